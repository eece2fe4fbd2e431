"""What a node is made from, as one hash: two equal fingerprints build the same thing from the same inputs.

Descriptions, documentation and owners are no part of it; SQL, the macros that it uses, its configuration, its contract,
its relations and the variables that it can read are.
"""

import hashlib
import json
import re
import weakref

from dbt.node_types import NodeType

from meetup_engine.project import meaning

# Config keys that change nothing in the database.
_MUTE_CONFIG = frozenset({"docs", "group", "tags", "access"})
_READS_VARIABLES = re.compile(r"\bvar\s*\(")
_NAMED_VARIABLE = re.compile(r"\bvar\s*\(\s*(['\"])([^'\"]+)\1\s*[,)]")
# What a template can ask for beside what its fingerprint holds: the database, the environment, the clock.
_LOOKS_ELSEWHERE = re.compile(
    r"\badapter\s*\.(?!\s*(dispatch|quote|type)\b)|\b(run_query|statement|load_result|load_relation|execute|env_var|modules|graph"
    r"|invocation_id|run_started_at|dbt_metadata_envs|invocation_args_dict|selected_resources|log|print|fromyaml|flags)\b"
)
# A macro that walks the whole graph can depend on anything.
_READS_GRAPH = re.compile(r"\bgraph\s*\.|\bexecute_on_graph\b|\bselected_resources\b")


_of_sessions = weakref.WeakKeyDictionary()


def fingerprints_of(session, manifest, config):
    """The fingerprints of a session's manifest, kept until the manifest changes."""
    kept = _of_sessions.get(session)
    if kept is None or session.reparsed is None:
        kept = Fingerprints(manifest, config, config.credentials.type)
    elif session.reparsed:
        kept = kept.carried_over(manifest, session.reparsed)
    session.reparsed = frozenset()
    _of_sessions[session] = kept
    return kept


class Fingerprints:
    """Fingerprints of one manifest's nodes. Texts are normalised once, however many manifests they occur in."""

    _meanings: dict = {}

    def __init__(self, manifest, config, adapter_type):
        self._manifest = manifest
        self._macros: dict = {}
        self._nodes: dict = {}
        self._pure: dict = {}
        self._variables = [config.vars.to_dict() if config.vars else {}, config.cli_vars or {}]
        self._common = _digest(config.target_name, adapter_type, self._overrides(adapter_type, config.project_name))

    def carried_over(self, manifest, files):
        """
        The fingerprints of a manifest in which nothing but the SQL of models and the unit tests in these files is new.
        `files`: as dbt names them. What stands in them counts anew, and what names its relation.
        """
        touched = {
            unique_id
            for unique_id, node in [*manifest.nodes.items(), *manifest.unit_tests.items()]
            if node.original_file_path in files
        }
        self._manifest = manifest
        self._pure = {}
        kept = {}
        for unique_id, fingerprint in self._nodes.items():
            node = manifest.nodes.get(unique_id) or manifest.unit_tests.get(unique_id)
            if node is not None and unique_id not in touched and touched.isdisjoint(node.depends_on_nodes):
                kept[unique_id] = fingerprint
        self._nodes = kept
        return self

    def renders_the_same(self, unique_id):
        """Whether a data test's SQL follows from its fingerprint: nothing that it renders can look elsewhere."""
        if unique_id not in self._pure:
            node = self._manifest.nodes[unique_id]
            texts = [node.raw_code or "", *self._macro_texts(node.depends_on.macros), *self._macro_texts(self._own)]
            self._pure[unique_id] = not any(_LOOKS_ELSEWHERE.search(text) for text in texts)
        return self._pure[unique_id]

    def of(self, unique_id):
        """The fingerprint of a model, seed, snapshot, data test or unit test; None where it can't be told."""
        if unique_id not in self._nodes:
            self._nodes[unique_id] = self._compute(unique_id)
        return self._nodes[unique_id]

    def _compute(self, unique_id):
        if unique_id in self._manifest.unit_tests:
            return self._unit_test(self._manifest.unit_tests[unique_id])
        node = self._manifest.nodes[unique_id]
        texts = [node.raw_code or "", *self._macro_texts(node.depends_on.macros)]
        if any(_READS_GRAPH.search(text) for text in texts):
            return None
        return _digest(
            self._common,
            self._code(node),
            self._configuration(node),
            self._columns(node),
            sorted(self._macro_closure(node.depends_on.macros)),
            [self._relation(upstream) for upstream in node.depends_on_nodes],
            node.relation_name,
            _test_arguments(node),
            self._read_variables(texts),
        )

    def _unit_test(self, test):
        tested = test.depends_on.nodes[0]
        versions = test.versions.to_dict() if test.versions is not None else None
        overrides = test.overrides.to_dict() if test.overrides is not None else None
        given = [fixture.to_dict(omit_none=True) for fixture in test.given]
        parts = [given, test.expect.to_dict(omit_none=True), overrides, test.model, test.config.to_dict(), versions]
        return _digest(self._common, parts, self.of(tested))

    def _code(self, node):
        if node.resource_type == NodeType.Seed:
            return node.checksum.checksum
        if getattr(node, "language", "sql") != "sql":
            return node.raw_code
        return self._meaning(node.raw_code, meaning.of_model)

    def _configuration(self, node):
        config = node.config.to_dict(omit_none=True)
        return {key: value for key, value in config.items() if key not in _MUTE_CONFIG}

    def _columns(self, node):
        persisted = getattr(node.config, "persist_docs", None) or {}
        columns = [
            (
                column.name,
                column.data_type,
                column.quote,
                [constraint.to_dict() for constraint in column.constraints],
                column.description if persisted.get("columns") else "",
            )
            for column in getattr(node, "columns", {}).values()
        ]
        constraints = [constraint.to_dict() for constraint in getattr(node, "constraints", [])]
        return [columns, constraints, node.description if persisted.get("relation") else ""]

    def _relation(self, unique_id):
        node = self._manifest.nodes.get(unique_id) or self._manifest.sources.get(unique_id)
        return [unique_id, node.relation_name if node is not None else None]

    def _macro_texts(self, roots):
        return [self._manifest.macros[name].macro_sql for name in self._closure(roots)]

    def _macro_closure(self, roots):
        return [self._macro(name) for name in self._closure(roots)]

    def _closure(self, roots):
        """The project's own macros that the roots lead to; those that came with dbt change with dbt only."""
        seen, pending = set(), list(roots)
        while pending:
            name = pending.pop()
            macro = self._manifest.macros.get(name)
            if macro is None or name in seen:
                continue
            seen.add(name)
            pending.extend(macro.depends_on.macros)
        return [name for name in seen if not _came_with_dbt(self._manifest.macros[name].package_name)]

    def _macro(self, name):
        if name not in self._macros:
            macro = self._manifest.macros[name]
            self._macros[name] = _digest(name, self._meaning(macro.macro_sql, meaning.of_macro))
        return self._macros[name]

    def _read_variables(self, texts):
        """The values of the variables that the texts name; of all where a name is not written out."""
        names = set()
        for text in texts:
            named = [match.group(2) for match in _NAMED_VARIABLE.finditer(text)]
            if len(named) < len(_READS_VARIABLES.findall(text)):
                return self._variables
            names.update(named)
        return [list(_values_of(name, self._variables)) for name in sorted(names)]

    def _overrides(self, adapter_type, project_name):
        """Own macros that replace dbt's: materializations call them without any node naming them."""
        inner = {m.name.removeprefix("default__") for m in self._manifest.macros.values() if _came_with_dbt(m.package_name)}
        own = [
            name
            for name, macro in self._manifest.macros.items()
            if not _came_with_dbt(macro.package_name)
            and (
                macro.name in inner
                or macro.name.startswith("materialization_")
                or macro.name.removeprefix(f"{adapter_type}__").removeprefix("default__") in inner
            )
        ]
        self._own = own
        reached = self._closure(own)
        return sorted(_digest(name, self._meaning(self._manifest.macros[name].macro_sql, meaning.of_macro)) for name in reached)

    @classmethod
    def _meaning(cls, text, normalise):
        key = (normalise.__name__, text)
        if key not in cls._meanings:
            cls._meanings[key] = _digest(normalise(text))
        return cls._meanings[key]


def _values_of(name, scopes):
    """What a variable is set to, for the project, for a package of it, and on the command line."""
    if isinstance(scopes, dict):
        for key, value in scopes.items():
            if key == name:
                yield [key, value]
            elif isinstance(value, dict):
                yield [key, list(_values_of(name, value))]
    else:
        for scope in scopes:
            yield list(_values_of(name, scope))


def _test_arguments(node):
    metadata = getattr(node, "test_metadata", None)
    if metadata is None:
        return None
    kwargs = {key: str(value) for key, value in metadata.kwargs.items()}
    return [metadata.name, metadata.namespace, kwargs, getattr(node, "column_name", None)]


def _came_with_dbt(package):
    return package == "dbt" or package.startswith("dbt_")


def _digest(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
