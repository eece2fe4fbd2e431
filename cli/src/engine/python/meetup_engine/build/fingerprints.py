"""Fingerprints of nodes: hashes of everything a node is built from. Equal fingerprints and equal inputs give equal results.

The same code serves every command: `dev`, `dev --watch` and `build`, the comparison with a base in `ci`, and the plan of a
deployment. It covers a superset of what a node reads (`closures.py`). If no such superset is known, the node is `volatile`, and
every command compiles it before it counts as up to date.

Descriptions, documentation, tags and owners are not included, unless a template of the project reads the node itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import weakref
from collections.abc import Hashable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbt.adapters.factory import get_adapter_package_names
from dbt.artifacts.resources.types import NodeType
from dbt.version import __version__ as dbt_version

from meetup_engine.build.closures import Closures, Reads, jinja_of, reads_of
from meetup_engine.build.record_hooks import only_records
from meetup_engine.build.repeatable import is_repeatable, reads_files
from meetup_engine.build.seeds import content_of

if TYPE_CHECKING:
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition

    from meetup_engine.project.environment import RecordedEnvironment
    from meetup_engine.project.project import Project

# Config keys that have no effect on the database, unless a template reads them.
_MUTE_CONFIG = frozenset({"docs", "group", "tags", "access"})
# A template that can read the node itself: its description, its tags, its path. A named part of its configuration doesn't count, since
# the fingerprint has that anyway, and neither does its name, which never changes.
_LOOKS_AT_NODE = re.compile(
    r"\b(?:model|node)\b(?!\s*\.\s*(?:config\s*\.\s*\w+\b(?!\s*\()|name\b))"
    r"|\bconfig\s*\.\s*\w+\s*\((?!\s*['\"])|\bconfig\b(?!\s*[.(])"
)
_READS_TARGET = re.compile(r"\btarget\b")
_PYTHON_LOOKS_ELSEWHERE = re.compile(r"\b(environ|getenv|open|read_\w+|now|today|random|urlopen|requests)\b")
# Keys of a DuckDB profile that only affect the file's location or the speed.
_PLACE_OF_PROFILE = frozenset({"path", "database", "schema", "threads", "retries", "keep_open"})


def looks_at_node(jinja: str) -> bool:
    """Whether a template can read its own node's description, tags, path or other parts that rarely decide its SQL."""
    return _LOOKS_AT_NODE.search(jinja) is not None


@dataclass(frozen=True)
class Fingerprint:
    """`whole`: a hash of everything; `surroundings`: of what compiling the node would not show."""

    whole: str
    surroundings: str
    # The fingerprint doesn't cover all inputs, so the node has to be compiled or run to find out whether it is up to date.
    volatile: bool
    # Whether its SQL returns the same rows for the same tables. If not, equal statements don't mean that it is up to date.
    repeatable: bool
    # Whether its columns may depend on files.
    reads_files: bool
    # Whether compiling it, with `is_incremental` both ways, shows everything that it may run.
    compilable: bool
    # Whether it reads environment variables with computed names, which are known only after its run.
    any_environment: bool


_of_sessions: weakref.WeakKeyDictionary[Project, Fingerprints] = weakref.WeakKeyDictionary()


def fingerprints_of(session: Project, manifest: Manifest, config: RuntimeConfig) -> Fingerprints:
    """The fingerprints of a session's manifest, kept until the manifest or the environment changes."""
    kept = _of_sessions.get(session)
    if kept is not None and not session.reconfigured and kept.is_made_for(session, manifest):
        return kept
    if kept is None or session.reconfigured or not kept.apply_to(manifest, session.environment):
        kept = Fingerprints(manifest, config, session.environment, session.project_flags)
    else:
        kept.carry_over(manifest, session.environment, session.parses)
    session.reconfigured = False
    kept.note_made_for(session, manifest)
    _of_sessions[session] = kept
    session.note_read(kept.environment_read.keys())
    return kept


@dataclass(frozen=True)
class _Known:
    """What can change in a manifest without a parse: texts of models, and for a branch, relations."""

    manifest: Manifest
    parses: int
    texts: Mapping[str, str]
    relations: list[str | None]

    @classmethod
    def of(cls, manifest: Manifest, parses: int) -> _Known:
        texts = {unique_id: node.raw_code for unique_id, node in manifest.nodes.items()}
        placed = [*manifest.nodes.values(), *manifest.sources.values()]
        return cls(manifest, parses, texts, [node.relation_name for node in placed])

    def maybe_changed(self, before: _Known, known: Iterable[str]) -> list[str]:
        """
        Those of the nodes whose basis may be another one than before. Without a parse, these are models with another text, their
        unit tests, and seeds, whose files aren't part of the manifest.
        """
        if self.manifest is not before.manifest or self.parses != before.parses or self.relations != before.relations:
            return list(known)
        nodes, tests = self.manifest.nodes, self.manifest.unit_tests
        edited = {unique_id for unique_id, text in self.texts.items() if before.texts.get(unique_id) is not text}

        def may_have_changed(unique_id: str) -> bool:
            test = tests.get(unique_id)
            if test is not None:
                return test.depends_on.nodes[0] in edited
            return unique_id in edited or unique_id not in nodes or nodes[unique_id].resource_type == NodeType.Seed

        return [unique_id for unique_id in known if may_have_changed(unique_id)]


class Fingerprints:
    """Fingerprints of one manifest's nodes."""

    def __init__(
        self,
        manifest: Manifest,
        config: RuntimeConfig,
        environment: RecordedEnvironment,
        project_flags: Mapping[str, object],
    ) -> None:
        self._manifest = manifest
        self._environment = environment
        self._made_for: tuple[int, RecordedEnvironment, Mapping[str, object]] | None = None
        self._known: _Known | None = None
        # Hashes of the environment variables that are part of these fingerprints.
        self.environment_read: dict[str, str | None] = {}
        self._nodes: dict[str, Fingerprint] = {}
        # What each fingerprint was made from, apart from what all nodes share.
        self._bases: dict[str, Hashable] = {}
        self._pure: dict[str, bool] = {}
        self._config = config
        self._internal = internal = frozenset(get_adapter_package_names(config.credentials.type))
        self._closures = Closures.of_unchanged(manifest.macros, internal)
        self._variables = _variables_of(config)
        rendered = [text for text in _texts_of(self._variables) if "{{" in text or "{%" in text]
        self._variable_texts = tuple(rendered)
        self._own = self._overrides(internal, config.credentials.type)
        operations = [node.raw_code for node in manifest.nodes.values() if node.resource_type == NodeType.Operation]
        hooks = [hook for hook in operations if not only_records(hook)]
        base = [dbt_version, config.target_name, _profile(config), project_flags, hooks]
        macros = self._own | self._closures.reached(hooks)
        texts = [*hooks, *(self._closures.own[name].macro_sql for name in sorted(macros))]
        reads = reads_of(texts)
        self._everything = environment.everything() if reads.any_environment else None
        self._common = _digest(base, self._digests_of(macros), self._values_read(reads, texts), self._everything)

    def note_made_for(self, session: Project, manifest: Manifest) -> None:
        self._made_for = (session.generation, session.environment, manifest.nodes)

    def is_made_for(self, session: Project, manifest: Manifest) -> bool:
        """Whether these were made in the same request, which has an environment of its own, for the same nodes."""
        if self._made_for is None:
            return False
        generation, environment, nodes = self._made_for
        return generation == session.generation and environment is session.environment and nodes is manifest.nodes

    def apply_to(self, manifest: Manifest, environment: RecordedEnvironment) -> bool:
        """Whether a manifest has the macros, and an environment the values, that these fingerprints were made from."""
        return (
            Closures.of_unchanged(manifest.macros, self._internal) is self._closures
            and self.environment_read == environment.values_of(self.environment_read.keys())
            and (self._everything is None or self._everything == environment.everything())
        )

    def carry_over(self, manifest: Manifest, environment: RecordedEnvironment, parses: int) -> None:
        """
        Replaces the manifest by one with the same macros and configuration. Fingerprints of nodes that were parsed again, and of
        seeds with other contents, are made again. `parses`: the session's count, which stays the same if only SQL was edited.
        """
        self._manifest = manifest
        self._environment = environment
        known, self._known = self._known, _Known.of(manifest, parses)
        compared = self._bases if known is None else self._known.maybe_changed(known, self._bases)
        # Unit tests last, because they depend on the fingerprints of the tested models.
        for unique_id in sorted(compared, key=lambda unique_id: unique_id in manifest.unit_tests):
            if self._bases[unique_id] != self._basis(unique_id):
                del self._nodes[unique_id], self._bases[unique_id]
                self._pure.pop(unique_id, None)

    def _basis(self, unique_id: str) -> Hashable:
        """Changes with each parse of the node, and with everything that a fingerprint takes from other nodes; None if it is gone."""
        test = self._manifest.unit_tests.get(unique_id)
        if test is not None:
            tested = test.depends_on.nodes[0]
            return (test.created_at, self.parts(tested).repeatable) if tested in self._manifest.nodes else None
        node = self._manifest.nodes.get(unique_id)
        if node is None:
            return None
        upstream = tuple(self._relation(name)[1] for name in node.depends_on_nodes)
        seed = content_of(node) if node.resource_type == NodeType.Seed else None
        return (
            node.created_at,
            node.raw_code,
            node.relation_name,
            node.description,
            *node.depends_on_nodes,
            *upstream,
            seed,
        )

    def renders_the_same(self, unique_id: str) -> bool:
        """Whether a node's fingerprint determines its SQL, because its templates can't read anything else."""
        if unique_id not in self._pure:
            node = self._manifest.nodes[unique_id]
            texts = self._reached_texts(self._texts(node))
            reads = reads_of(texts)
            self._pure[unique_id] = not (reads.volatile or reads.any_environment or reads.opaque)
        return self._pure[unique_id]

    def of(self, unique_id: str) -> str | None:
        """The fingerprint of a model, seed, snapshot, data test or unit test; None if the node is volatile."""
        parts = self.parts(unique_id)
        if parts.volatile or parts.any_environment or not parts.repeatable:
            return None
        if unique_id in self._manifest.unit_tests:
            tested = self.of(self._manifest.unit_tests[unique_id].depends_on.nodes[0])
            return None if tested is None else _digest(parts.whole, tested)
        return parts.whole

    def parts(self, unique_id: str) -> Fingerprint:
        """The fingerprint in parts. For a unit test, it doesn't include the tested model."""
        if unique_id not in self._nodes:
            # First, so that a seed that is written meanwhile counts as changed.
            basis = self._basis(unique_id)
            unit_test = self._manifest.unit_tests.get(unique_id)
            self._nodes[unique_id] = (
                self._of_node(self._manifest.nodes[unique_id]) if unit_test is None else self._of_unit_test(unit_test)
            )
            self._bases[unique_id] = basis
        return self._nodes[unique_id]

    def unforeseen(self, unique_id: str, called: Set[str]) -> list[str]:
        """Macros of the project or its packages that a node called unexpectedly: there should be none."""
        node = self._manifest.nodes.get(unique_id)
        own = set(called) & set(self._closures.own)
        if node is None or not own:
            return []
        return sorted(own - self._closures.reached(self._all_texts(node)) - self._own)

    def digest_of(self, macros: list[str]) -> str:
        """A hash of macros and everything that they reach."""
        texts = [self._closures.own[name].macro_sql for name in macros if name in self._closures.own]
        reached = self._closures.reached(texts) | set(macros)
        return _digest(self._digests_of(reached), self._values_read(reads_of(self._reached_texts(texts)), texts))

    def _of_node(self, node: ManifestNode) -> Fingerprint:
        around, code = self._around(node), self._texts(node)
        reached = self._closures.reached(code)
        texts = [*code, *(self._closures.own[name].macro_sql for name in reached)]
        reads = reads_of(texts)
        hooks = self._hook_texts(node)
        around_texts = self._reached_texts([*around, *hooks])
        python = getattr(node, "language", "sql") != "sql"
        surroundings = _digest(
            self._common,
            self._configuration(node, [*texts, *around_texts]),
            self._columns(node),
            self._digests_of(self._closures.reached([*around, *hooks])),
            self._values_read(reads_of(around_texts), around_texts),
            node.relation_name,
            _test_arguments(node),
        )
        whole = _digest(
            surroundings,
            self._code(node),
            self._digests_of(reached),
            [self._relation(upstream) for upstream in node.depends_on_nodes],
            self._values_read(reads, texts),
        )
        outside = python and any(_PYTHON_LOOKS_ELSEWHERE.search(text) for text in texts)
        repeatable = not outside and all(is_repeatable(text) for text in texts)
        own_incremental = any("is_incremental" in self._closures.own[name].macro_sql for name in reached)
        return Fingerprint(
            whole=whole,
            surroundings=surroundings,
            volatile=reads.volatile or outside,
            repeatable=repeatable,
            reads_files=any(reads_files(text) for text in texts),
            compilable=not (own_incremental or outside or python),
            any_environment=reads.any_environment,
        )

    def _of_unit_test(self, test: UnitTestDefinition) -> Fingerprint:
        versions = test.versions.to_dict() if test.versions is not None else None
        overrides = test.overrides.to_dict() if test.overrides is not None else None
        given = [fixture.to_dict(omit_none=True) for fixture in test.given]
        parts = [given, test.expect.to_dict(omit_none=True), overrides, test.model, test.config.to_dict(), versions]
        texts = self._reached_texts(_texts_of(parts))
        reads = reads_of(texts)
        values = self._values_read(reads, texts)
        whole = _digest(self._common, parts, self._digests_of(self._closures.reached(_texts_of(parts))), values)
        return Fingerprint(
            whole=whole,
            surroundings=whole,
            volatile=reads.volatile,
            repeatable=self.parts(test.depends_on.nodes[0]).repeatable,
            reads_files=False,
            compilable=False,
            any_environment=reads.any_environment,
        )

    # --- texts ---

    def _texts(self, node: ManifestNode) -> list[str]:
        """The templates that its SQL is rendered from."""
        if node.resource_type == NodeType.Seed:
            return []
        metadata = getattr(node, "test_metadata", None)
        arguments = _texts_of(metadata.kwargs) if metadata is not None else []
        return [node.raw_code or "", *arguments]

    def _around(self, node: ManifestNode) -> list[str]:
        """Texts that name the macros around its SQL, such as its configuration with the incremental strategy."""
        strategy = getattr(node.config, "incremental_strategy", None) or getattr(node.config, "strategy", None)
        kind = node.config.materialized
        names = [f"get_incremental_{strategy}_sql", f"snapshot_{strategy}_strategy", f"validate_{strategy}"]
        return [*_texts_of(node.config.to_dict(omit_none=True)), f"materialization_{kind}_default", *names]

    def _hook_texts(self, node: ManifestNode) -> list[str]:
        hooks = [*getattr(node.config, "pre_hook", ()), *getattr(node.config, "post_hook", ())]
        return [hook.sql for hook in hooks]

    def _all_texts(self, node: ManifestNode) -> list[str]:
        return [*self._texts(node), *self._around(node), *self._hook_texts(node)]

    def _reached_texts(self, texts: list[str]) -> list[str]:
        return [*texts, *(self._closures.own[name].macro_sql for name in self._closures.reached(texts))]

    # --- parts ---

    def _code(self, node: ManifestNode) -> str | None:
        return content_of(node) if node.resource_type == NodeType.Seed else node.raw_code

    def _configuration(self, node: ManifestNode, texts: list[str]) -> list[Any]:
        config = node.config.to_dict(omit_none=True)
        jinja = "\n".join(jinja_of(text) for text in texts)
        # In a generic test, `model` is the tested relation.
        looks = node.resource_type != NodeType.Test and looks_at_node(jinja)
        read = {key for key in _MUTE_CONFIG if looks or re.search(rf"['\"]{key}['\"]|\.\s*{key}\b", jinja)}
        configuration = {key: value for key, value in config.items() if key not in _MUTE_CONFIG - read}
        if not looks:
            return [configuration]
        descriptions = [[column.name, column.description] for column in getattr(node, "columns", {}).values()]
        return [configuration, node.description, descriptions, node.tags, node.fqn, node.original_file_path]

    def _columns(self, node: ManifestNode) -> list[Any]:
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

    def _relation(self, unique_id: str) -> list[Any]:
        node = self._manifest.nodes.get(unique_id) or self._manifest.sources.get(unique_id)
        return [unique_id, node.relation_name if node is not None else None]

    def _digests_of(self, macros: Iterable[str]) -> list[tuple[str, str]]:
        own = self._closures.own
        return [(name, _text_digest(own[name].macro_sql)) for name in sorted(macros) if name in own]

    def _values_read(self, reads: Reads, texts: list[str]) -> list[Any]:
        """The values of what the texts read, including variables whose values are templates themselves."""
        found: list[Any] = []
        environment, any_environment = set(reads.environment), reads.any_environment
        if reads.variables is None or reads.variables:
            found.append(
                self._variables
                if reads.variables is None
                else [list(_values_of(name, self._variables)) for name in sorted(reads.variables)]
            )
            if self._variable_texts:
                inner = self._reached_texts(list(self._variable_texts))
                found.append([self._variables, self._digests_of(self._closures.reached(self._variable_texts))])
                environment |= reads_of(inner).environment
                any_environment = any_environment or reads_of(inner).any_environment
        if environment:
            values = self._environment.values_of(environment)
            self.environment_read |= values
            found.append(values)
        if any(_READS_TARGET.search(jinja_of(text)) for text in texts):
            found.append(
                {key: value for key, value in self._config.to_target_dict().items() if key not in _PLACE_OF_PROFILE}
            )
        return found

    def _overrides(self, internal: frozenset[str], adapter_type: str) -> frozenset[str]:
        """The project's and packages' macros that override dbt's: materializations call them without any node naming them."""
        macros = self._manifest.macros.values()
        inner = {macro.name.removeprefix("default__") for macro in macros if macro.package_name in internal}
        own = {
            name: macro.macro_sql
            for name, macro in self._closures.own.items()
            if macro.name in inner
            or macro.name.startswith("materialization_")
            or macro.name.removeprefix(f"{adapter_type}__").removeprefix("default__") in inner
        }
        return frozenset(own) | self._closures.reached(own.values())


def _variables_of(config: RuntimeConfig) -> list[Any]:
    """All variables of the project, its packages and the command line."""
    scopes = [config.vars.to_dict() if config.vars else {}]
    for name, project in sorted(config.load_dependencies().items()):
        if project is not config and project.vars:
            scopes.append({name: project.vars.to_dict()})
    return [*scopes, config.cli_vars or {}]


def _values_of(name: str, scopes: object) -> Iterator[list[Any]]:
    """The values of a variable in the project, in each package and on the command line."""
    if isinstance(scopes, dict):
        for key, value in scopes.items():
            if key == name:
                yield [key, value]
            elif isinstance(value, dict):
                yield [key, list(_values_of(name, value))]
    elif isinstance(scopes, list):
        for scope in scopes:
            yield list(_values_of(name, scope))


def _profile(config: RuntimeConfig) -> list[object]:
    """The part of the profile that affects what is built, without location and credentials."""
    credentials = config.credentials
    if credentials.type != "duckdb":
        return [credentials.type, getattr(credentials, "session_properties", None)]
    settings = credentials.to_dict(omit_none=True)
    return [credentials.type, {key: value for key, value in settings.items() if key not in _PLACE_OF_PROFILE}]


def _texts_of(value: object) -> list[str]:
    """Every string in a value, including keys."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts_of(part)]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _texts_of(part)]
    return []


def _test_arguments(node: ManifestNode) -> list[object] | None:
    metadata = getattr(node, "test_metadata", None)
    if metadata is None:
        return None
    kwargs = {key: str(value) for key, value in metadata.kwargs.items()}
    return [metadata.name, metadata.namespace, kwargs, getattr(node, "column_name", None)]


_text_digests: dict[str, str] = {}


def _text_digest(text: str) -> str:
    if text not in _text_digests:
        _text_digests[text] = _digest(text)
    return _text_digests[text]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
