"""
What dbt computes again and again from the same input, computed once. Nothing here changes an answer: each memory is
keyed by everything that the answer is made from, and the rest is skipped where it provably cannot be asked for.
"""

import contextlib
import re
import threading
from collections import OrderedDict

import dbt.compilation as compilation
import dbt.context.base as context_base
import dbt.jsonschemas.jsonschemas as jsonschemas
import dbt.parser.base as parser_base
import dbt_common.clients.agate_helper as agate_helper
import dbt_common.clients.jinja as jinja
from dbt.adapters.base.impl import BaseAdapter
from dbt.clients.jinja import MacroGenerator
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.context.providers import generate_generate_name_macro_context
from dbt.contracts.graph.unparsed import UnparsedUnitTest
from dbt.include.global_project import PROJECT_NAME as GLOBAL_PROJECT_NAME
from dbt_common.dataclass_schema import dbtClassMixin
from dbt_common.events.base_types import BaseEvent

# Entries of each memory. A project of 40 models with 160 tests has about 600 templates and 900 configurations.
REMEMBERED = 8192

# A statement's first word, after white space and comments of one line; and what could end its statement.
_LEADING_WITH = re.compile(r"(?:\s|--[^\n]*\n)*with\s+(?!recursive\b)", re.IGNORECASE)
_ENDS_A_STATEMENT = re.compile(r";")
_ANY_WITH = re.compile(r"\bwith\b", re.IGNORECASE)


class Memory:
    """A dictionary that forgets what was not asked for longest. Each operation is atomic under Python's lock."""

    def __init__(self, size=REMEMBERED):
        self._size = size
        self._entries = OrderedDict()

    def get(self, key):
        value = self._entries.get(key)
        if value is not None:
            # Another thread may have made room meanwhile.
            with contextlib.suppress(KeyError):
                self._entries.move_to_end(key)
        return value

    def put(self, key, value):
        self._entries[key] = value
        while len(self._entries) > self._size:
            try:
                self._entries.popitem(last=False)
            except KeyError:
                break

    def clear(self):
        self._entries.clear()


_name_contexts = Memory(64)


def install():
    """Puts the memories in, once."""
    if parser_base.generate_generate_name_macro_context is _name_context:
        return
    _remember_validation()
    _remember_outlines()
    _remember_compilation()
    _make_events_late()
    _build_namespaces_at_once()
    _remember_type_testers()
    _remember_modules()
    _find_with_without_parsing()
    _list_relations_once()
    parser_base.generate_generate_name_macro_context = _name_context


def macros_changed():
    """Must be called when a macro may have changed: contexts hold all of them."""
    _name_contexts.clear()


class LateDict(dict):
    """
    What dbt's flat graph holds of one kind of node: made when somebody reads it, which hardly any project does, of the
    nodes as they were when it was put there. It has its keys from the start, so that its size is right for everybody.
    """

    def __init__(self, nodes):
        super().__init__(dict.fromkeys(nodes))
        self._late = dict(nodes)

    def _fill(self):
        late, self._late = self._late, None
        if late is not None:
            super().update({key: node.to_dict(omit_none=False) for key, node in late.items()})
        return self

    def __getitem__(self, key):
        return dict.__getitem__(self._fill(), key)

    def __iter__(self):
        # Iterating is overridden too, so that C code does not take a plain dictionary's short cuts.
        return dict.__iter__(self._fill())

    def __eq__(self, other):
        return dict.__eq__(self._fill(), other)

    def __repr__(self):
        return dict.__repr__(self._fill())

    def __reduce_ex__(self, protocol):
        return dict, (dict(self._fill().items()),)

    def get(self, key, default=None):
        return dict.get(self._fill(), key, default)

    def items(self):
        return dict.items(self._fill())

    def values(self):
        return dict.values(self._fill())

    def copy(self):
        return dict(self.items())


def late_flat_graph(manifest):
    """The same as the manifest's `build_flat_graph`, made when it is read."""
    kinds = ("exposures", "functions", "groups", "metrics", "nodes", "sources", "semantic_models", "saved_queries")
    manifest.flat_graph = {kind: LateDict(getattr(manifest, kind)) for kind in kinds}


def _remember_validation():
    """A third of a parse is the JSON Schema validation of configurations, nearly all of which are alike."""
    validate = dbtClassMixin.validate.__func__
    valid = Memory()

    def validate_once(cls, data):
        outline = outline_of_test(data) if cls is UnparsedUnitTest else data
        # repr tells 1 from True and a list from a tuple, which JSON Schema does too.
        key = (cls, repr(outline))
        if valid.get(key) is None:
            validate(cls, data)
            valid.put(key, True)

    dbtClassMixin.validate = classmethod(validate_once)


def _remember_outlines():
    """dbt holds each YAML file against a schema of its own, to warn of what it will not read one day."""
    errors_of = jsonschemas._validate_with_schema
    valid = Memory()

    def errors_once(schema, json):
        tests = json.get("unit_tests") if isinstance(json, dict) else None
        if not isinstance(tests, list):
            return errors_of(schema, json)
        # A schema is read from a file, once.
        key = (id(schema), repr({**json, "unit_tests": [outline_of_test(test) for test in tests]}))
        if valid.get(key) is not None:
            return iter(())
        errors = list(errors_of(schema, json))
        if not errors:
            valid.put(key, schema)
        return iter(errors)

    jsonschemas._validate_with_schema = errors_once


def outline_of_test(test):
    """
    A unit test with one row in the place of all that have the same columns of the same types: no schema says more of rows
    than that, and a fixture may have hundreds.
    """
    if not isinstance(test, dict):
        return test
    outline = {name: _outline_of_rows(part) for name, part in test.items()}
    if isinstance(test.get("given"), list):
        outline["given"] = [_outline_of_rows(given) for given in test["given"]]
    return outline


def _outline_of_rows(part):
    rows = part.get("rows") if isinstance(part, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return part
    shapes = dict.fromkeys(tuple((name, type(value)) for name, value in row.items()) for row in rows)
    nested = [row for row in rows if any(isinstance(value, (dict, list)) for value in row.values())]
    return {**part, "rows": (list(shapes), nested)}


def _remember_compilation():
    """dbt compiles the Jinja of each test's arguments, and of each model, anew for every run."""
    environment = jinja.MacroFuzzEnvironment
    compile_template = environment.compile
    compiled = Memory()

    def compile_once(self, source, name=None, filename=None, raw=False, defer_init=False):
        plain = isinstance(source, str) and name is None and filename is None and not raw and not defer_init
        if not plain or jinja.MACRO_DEBUGGING:
            return compile_template(self, source, name, filename, raw, defer_init)
        # dbt makes all environments of a class alike but for `undefined`, which code is not generated from.
        key = (type(self), source)
        code = compiled.get(key)
        if code is None:
            code = compile_template(self, source)
            compiled.put(key, code)
        return code

    environment.compile = compile_once


class FlatNamespace(dict, MacroNamespace):
    """dbt's namespace of macros, flattened once in the order that dbt searches it."""

    def __init__(self, global_namespace, local_namespace, global_project_namespace, packages):
        MacroNamespace.__init__(self, global_namespace, local_namespace, global_project_namespace, packages)
        # dbt's search order from its end, so that what is found first there is what stays here.
        dict.__init__(self, global_project_namespace)
        self[GLOBAL_PROJECT_NAME] = global_project_namespace
        self.update(packages)
        self.update(global_namespace)
        self.update(local_namespace)


# Macros of dbt's own that unit tests call for every cell and row: what they say follows from their arguments.
_PURE = frozenset({"safe_cast", "format_row"})
_said = Memory(65536)
# What they dispatch to: where the project has one of its own, nothing is remembered.
_PURE_PARTS = frozenset({"safe_cast", "string_literal", "escape_single_quotes", "cast", "format_row"})


class RememberingMacro(MacroGenerator):
    """One of dbt's pure macros."""

    def call_macro(self, *args, **kwargs):
        # repr tells 1 from True from '1', which the macros do too.
        key = (self.macro.name, self.context["target"]["type"], repr(args), repr(kwargs))
        said = _said.get(key)
        if said is None:
            said = super().call_macro(*args, **kwargs)
            _said.put(key, said)
        return dict(said) if isinstance(said, dict) else said


def _replaces(packages):
    return any(name.rpartition("__")[2] in _PURE_PARTS for macros in packages for name in macros)


def _build_namespaces_at_once():
    """
    dbt makes about four contexts per node, each with a callable for each of its 550 macros, in Python code that looks
    each of them up in five places. This makes the same objects, but only makes them.
    """
    plain = MacroNamespaceBuilder
    new = MacroGenerator.__new__

    def build_namespace(self, macros_by_package, ctx):
        node, stack = self.node, self.thread_ctx
        own = [macros for package, macros in macros_by_package.items() if package not in self.internal_package_names]
        pure = frozenset() if _replaces(own) else _PURE
        for package, macros in macros_by_package.items():
            namespace = {}
            for name, macro in macros.items():
                generator = new(RememberingMacro if name in pure else MacroGenerator)
                generator.__dict__ = {"context": ctx, "macro": macro, "node": node, "stack": stack}
                namespace[name] = generator
            if package in self.internal_package_names:
                self.internal_packages[package] = namespace
                continue
            self.packages[package] = namespace
            if package == self.search_package:
                self.locals.update(namespace)
            elif package == self.root_package:
                self.globals.update(namespace)
        internal = {}
        for package in reversed(self.internal_package_names_order):
            internal.update(self.internal_packages.get(package, ()))
        return FlatNamespace(self.globals, self.locals, internal, self.packages)

    plain.build_namespace = build_namespace


def _remember_type_testers():
    """Each table that dbt reads makes eight parsers of natural-language dates; those of the same columns are alike."""
    build = agate_helper.build_type_tester
    built = Memory(512)

    def build_once(text_columns, string_null_values=("null", "")):
        key = (tuple(text_columns), tuple(string_null_values))
        tester = built.get(key)
        if tester is None:
            tester = build(*key)
            built.put(key, tester)
        return tester

    agate_helper.build_type_tester = build_once


def _remember_modules():
    """`modules` of Jinja: forty wrapped functions, made for each context."""
    made = context_base.get_context_modules()
    context_base.get_context_modules = lambda: {name: dict(members) for name, members in made.items()}


def _list_relations_once():
    """
    Without a populated cache two threads may list a schema at once, and the slower one puts back what the faster one
    has renamed meanwhile: "Cache inconsistency detected". The second waits, and finds it listed.
    """
    list_relations = BaseAdapter.list_relations
    listing = threading.RLock()

    def list_in_turn(self, database, schema):
        if self._schema_is_cached(database, schema):
            return self.cache.get_relations(database, schema)
        with listing:
            return list_relations(self, database, schema)

    BaseAdapter.list_relations = list_in_turn


def _find_with_without_parsing():
    """
    To put ephemeral models and fixtures before a model's own CTEs, dbt has sqlparse group the whole statement, which
    takes longer than to run it. Where the statement begins with WITH, or the word is nowhere in it, its first words tell
    all that dbt looks for.
    """
    inject = compilation.inject_ctes_into_sql

    def inject_at_once(sql, ctes):
        found = _LEADING_WITH.match(sql)
        if not ctes or _ENDS_A_STATEMENT.search(sql):
            return inject(sql, ctes)
        if found is None and not _ANY_WITH.search(sql):
            return f"with{', '.join(cte.sql for cte in ctes)}\n{sql}"
        if found is None:
            return inject(sql, ctes)
        # dbt puts nothing between the word and the first CTE but what stood there.
        joined = ", ".join(cte.sql for cte in ctes)
        return f"{sql[: found.end()]}{joined}, {sql[found.end() :]}"

    compilation.inject_ctes_into_sql = inject_at_once


def _make_events_late():
    """Builds the message of a log event when it is read: hardly any is, and dbt fires a hundred per model."""
    build = BaseEvent.__init__

    def keep(self, *args, **kwargs):
        object.__setattr__(self, "_late", (args, kwargs))

    def message_of(self):
        late = object.__getattribute__(self, "__dict__").pop("_late", None)
        if late is not None:
            build(self, *late[0], **late[1])
        return object.__getattribute__(self, "pb_msg")

    def read(self, key):
        # Asked only for what the event itself does not have.
        message = message_of(self)
        return message if key == "pb_msg" else message.__getattribute__(key)

    def write(self, key, value):
        if key == "pb_msg":
            object.__setattr__(self, key, value)
        else:
            message_of(self).__setattr__(key, value)

    BaseEvent.__init__ = keep
    BaseEvent.__getattr__ = read
    BaseEvent.__setattr__ = write


def structure_of(manifest, add_test_edges):
    """What dbt's graph of a manifest is made from: equal structures have equal graphs."""
    kinds = (
        manifest.sources,
        manifest.nodes,
        manifest.semantic_models,
        manifest.exposures,
        manifest.functions,
        manifest.metrics,
        manifest.unit_tests,
        manifest.saved_queries,
    )
    members = tuple(
        tuple(
            (unique_id, node.resource_type, tuple(getattr(node, "depends_on_nodes", ())))
            for unique_id, node in kind.items()
        )
        for kind in kinds
    )
    return (add_test_edges, members)


def _name_context(macro, config, manifest):
    """The context of generate_schema_name and its like, of which every parser makes nine."""
    key = (id(macro), id(config), id(manifest))
    kept = _name_contexts.get(key)
    if kept is None:
        # The objects are kept beside it, so that their ids stay theirs.
        kept = (generate_generate_name_macro_context(macro, config, manifest), macro, config, manifest)
        _name_contexts.put(key, kept)
    return kept[0]
