"""The functions that replace dbt's own return the same results."""

from __future__ import annotations

import copy
import json
import pickle
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.resources.v1.components import InjectedCTE
from dbt.clients.jinja import MacroGenerator, MacroStack
from dbt.context import base as context_base
from dbt.context.macros import MacroNamespaceBuilder
from dbt.contracts.graph.nodes import Macro, ParsedNode
from dbt.contracts.graph.unparsed import UnparsedModelUpdate, UnparsedUnitTest
from dbt.events.types import MainReportVersion
from dbt.jsonschemas import jsonschemas
from dbt_common.clients import agate_helper, jinja
from dbt_common.dataclass_schema import ValidationError, dbtClassMixin
from dbt_common.events.base_types import BaseEvent

from dbt import compilation
from meetup_engine.dbt_patches import (
    config_validation,
    context_modules,
    cte_injection,
    database_name,
    early_database,
    flat_graph,
    late_events,
    late_files,
    macro_namespaces,
    name_contexts,
    relation_listing,
    template_compilation,
    type_testers,
    yaml_schemas,
)
from meetup_engine.dbt_patches.unit_test_outline import outline_of_unit_test

# --- cte_injection ---

CTES = [
    InjectedCTE(id="a", sql=' __dbt__cte__a as (\nselect 1 as "id"\n)'),
    InjectedCTE(id="b", sql=" __dbt__cte__b as (\nselect ';' as x\n)"),
]
STATEMENTS = [
    "select * from __dbt__cte__a",
    "with own as (select 1) select * from own",
    "WITH own as (select 1) select * from own",
    "\n\n  with own as (select 1)\nselect * from own",
    "-- a comment with the word\nselect 1",
    "-- a comment\n-- another\nwith own as (select 1) select * from own",
    "/* a block */ with own as (select 1) select * from own",
    "with recursive own as (select 1) select * from own",
    "select 'with' as word",
    "select * from (with inner_one as (select 1) select * from inner_one)",
    "select * replace (a as b) from (\nwith inner_one as (select 1)\nselect * from inner_one\n) as measured",
    "select (select 1) from (with a as (select ')' as b) select * from a) -- with",
    "select (with a as (select 1) select * from a) with ordinality",
    "select /* ( */ 1 from (with a as (select 1) select * from a)",
    "select $$($$ from (with a as (select 1) select * from a)",
    "select 'it''s (' from (with a as (select 1) select * from a)",
    "select 'a' as x\n, \"b (\" from (with a as (select 'c'\n) select * from a)\nwhere 'd' <> ')'\n",
    "select 'over\ntwo (lines' from (with a as (select 1) select * from a)",
    "insert into t (with a as (select 1) select * from a)",
    "select 1 -- it's (\nfrom (with a as (select 1) select * from a)",
    "select cast(a as timestamp with time zone) from t",
    "select a::timestamp with time zone from t",
    "select 1;",
    "with own as (select 1) select * from own;",
    "select with_tax from orders",
    "with\nown as (select 1) select * from own",
    "with own as (select ';') select * from own",
]


def words(sql: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s*([(),])\s*", r"\1", sql)).strip()


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_ctes_are_injected_in_the_same_place_as_by_dbt(sql: str, count: int) -> None:
    ours = cte_injection.inject_ctes_into_sql(sql, CTES[:count])
    assert words(ours) == words(compilation.inject_ctes_into_sql(sql, CTES[:count]))


# --- config_validation, yaml_schemas and their outline ---


def unit_test(**changes: object) -> dict[str, Any]:
    rows = [{"id": number, "name": f"name {number}"} for number in range(50)]
    given = [{"input": "ref('numbers')", "rows": rows}]
    return {"name": "t", "model": "m", "given": given, "expect": {"rows": rows}, **changes}


VALID = [
    (UnparsedModelUpdate, {"name": "m", "original_file_path": "", "yaml_key": "models", "package_name": "p"}),
    (UnparsedUnitTest, unit_test()),
    (UnparsedUnitTest, unit_test(expect={"rows": [{"id": None}]})),
]
INVALID = [
    (UnparsedModelUpdate, {"name": 7, "original_file_path": "", "yaml_key": "models", "package_name": "p"}),
    (UnparsedUnitTest, unit_test(given="nothing")),
    (UnparsedUnitTest, unit_test(expect={"rows": 7})),
    (UnparsedUnitTest, unit_test(name=None)),
    (UnparsedUnitTest, {"name": "t"}),
]


@pytest.mark.parametrize(("kind", "data"), VALID)
def test_a_valid_configuration_is_valid_each_time(kind: type[dbtClassMixin], data: object) -> None:
    kind.validate(data)
    for _ in range(3):
        config_validation.validate(kind, data)


@pytest.mark.parametrize(("kind", "data"), INVALID)
def test_an_invalid_configuration_fails_each_time_with_dbts_message(kind: type[dbtClassMixin], data: object) -> None:
    with pytest.raises(ValidationError) as expected:
        kind.validate(data)
    for _ in range(3):
        with pytest.raises(ValidationError, match=re.escape(str(expected.value)[:40])):
            config_validation.validate(kind, data)


def test_true_and_1_are_different_configurations() -> None:
    data = {"name": "m", "original_file_path": "", "yaml_key": "models", "package_name": "p"}
    config_validation.validate(UnparsedModelUpdate, {**data, "config": {"x": 1}, "latest_version": 1})
    with pytest.raises(ValidationError):
        config_validation.validate(
            UnparsedModelUpdate, {**data, "config": {"x": 1}, "latest_version": True, "columns": 7}
        )


def test_rows_with_the_same_columns_and_types_have_the_same_outline() -> None:
    one, other = unit_test(), unit_test()
    other["given"][0]["rows"][3]["name"] = "another"
    assert repr(outline_of_unit_test(one)) == repr(outline_of_unit_test(other))


@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"a": 1}])
def test_rows_with_a_value_of_another_type_have_a_different_outline(value: object) -> None:
    one, other = unit_test(), copy.deepcopy(unit_test())
    other["given"][0]["rows"][3]["name"] = value
    assert repr(outline_of_unit_test(one)) != repr(outline_of_unit_test(other))


@pytest.mark.parametrize("test", [None, 7, "text", [], {"given": 7}, {"given": [7]}, {"expect": {"rows": [7]}}])
def test_the_outline_of_anything_but_a_unit_test_is_the_value_itself(test: object) -> None:
    assert outline_of_unit_test(test) == test


@pytest.mark.parametrize(
    "document",
    [
        {"unit_tests": [unit_test()]},
        {"unit_tests": [unit_test(), {"name": "u", "unknown": 1}]},
        {"unit_tests": "none"},
        {"models": [{"name": "m", "oops": True}]},
        {},
    ],
)
def test_a_yaml_file_has_the_same_errors_as_in_dbt(document: dict[str, Any]) -> None:
    schema = jsonschemas.resources_schema()
    expected = [error.message for error in jsonschemas._validate_with_schema(schema, document)]
    for _ in range(2):
        assert [error.message for error in yaml_schemas.validate_with_schema(schema, document)] == expected


# --- template_compilation ---


def environment_of_dbt() -> Any:  # noqa: ANN401 - dbt types it as Jinja's own
    return jinja.get_environment()


@pytest.mark.parametrize(
    "source", ["select {{ x }}", "{% if x %}a{% endif %}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ x }}", ""]
)
def test_a_template_renders_the_same_from_cached_code(source: str) -> None:
    expected = jinja.get_template(source, {"x": 7}).render({})
    for _ in range(2):
        environment: Any = environment_of_dbt()
        code = template_compilation.compile_template(environment, source)
        template = environment.template_class.from_code(environment, code, environment.make_globals({"x": 7}))
        assert template.render({}) == expected


def test_an_invalid_template_is_an_error_each_time() -> None:
    environment: Any = environment_of_dbt()
    for _ in range(2):
        with pytest.raises(Exception, match="expected token"):
            template_compilation.compile_template(environment, "{{ oh dear }")


def test_the_same_text_is_compiled_once() -> None:
    first = template_compilation.compile_template(environment_of_dbt(), "{{ compiled_once }}")
    assert template_compilation.compile_template(environment_of_dbt(), "{{ compiled_once }}") is first


# --- late_events ---


class LateEvent(MainReportVersion):
    __init__ = late_events.init
    __getattr__ = late_events.getattribute
    __setattr__ = late_events.setattribute


# dbt finds the message class by the name of the event class.
LateEvent.__name__ = "MainReportVersion"


def test_an_event_whose_message_is_built_late_has_the_same_content() -> None:
    fields: dict[str, Any] = {"version": "=1.11", "log_version": 3}
    early: BaseEvent = MainReportVersion(**fields)
    late = LateEvent(**fields)
    assert "pb_msg" not in vars(late)
    assert (late.version, late.log_version) == (early.version, early.log_version)
    assert late.to_dict() == early.to_dict()
    assert late.message() == early.message()


def test_a_field_that_is_set_before_the_message_is_built_keeps_its_value() -> None:
    late = LateEvent(version="1", log_version=3)
    late.version = "2"
    assert late.pb_msg.version == "2"


def test_an_event_has_no_unknown_fields() -> None:
    with pytest.raises(AttributeError):
        _ = LateEvent(version="1", log_version=3).nonsense


# --- macro_namespaces ---


def macro(name: str, package: str) -> Macro:
    sql = f"{{% macro {name}(a='') %}}{package}.{name}:{{{{ a }}}}{{% endmacro %}}"
    return Macro(
        name=name,
        macro_sql=sql,
        package_name=package,
        path="",
        original_file_path="",
        unique_id=f"macro.{package}.{name}",
        resource_type=NodeType.Macro,
    )


PACKAGES = {
    "dbt": {name: macro(name, "dbt") for name in ("safe_cast", "format_row", "is_incremental", "only_dbt")},
    "dbt_duckdb": {name: macro(name, "dbt_duckdb") for name in ("duckdb__cast", "is_incremental")},
    "project": {name: macro(name, "project") for name in ("own", "is_incremental")},
    "other": {name: macro(name, "other") for name in ("own", "theirs")},
}


def builder(search: str) -> MacroNamespaceBuilder:
    return MacroNamespaceBuilder("project", search, MacroStack(), ["dbt_duckdb", "dbt"], None)


def described(value: object) -> object:
    if isinstance(value, MacroGenerator):
        return vars(value.macro)["unique_id"]
    return {name: described(member) for name, member in value.items()} if isinstance(value, dict) else repr(value)


@pytest.mark.parametrize("search", ["project", "other", "dbt"])
def test_a_namespace_contains_the_same_macros_as_dbts(search: str) -> None:
    context: dict[str, Any] = {"target": {"type": "duckdb"}}
    theirs = builder(search).build_namespace(PACKAGES, context)
    ours = macro_namespaces.build_namespace(builder(search), PACKAGES, context)
    assert set(ours) == set(theirs)
    assert len(ours) == len(theirs)
    assert {name: described(ours[name]) for name in ours} == {name: described(theirs[name]) for name in theirs}
    for package in (None, "dbt", "project", "other"):
        for name in ("own", "is_incremental", "only_dbt", "nothing"):
            assert described(ours.get_from_package(package, name)) == described(theirs.get_from_package(package, name))


def test_a_macro_in_a_namespace_is_created_like_dbts() -> None:
    context: dict[str, Any] = {"target": {"type": "duckdb"}}
    theirs = builder("project").build_namespace(PACKAGES, context)["own"]
    ours = macro_namespaces.build_namespace(builder("project"), PACKAGES, context)["own"]
    assert vars(ours).keys() == vars(theirs).keys()
    assert vars(ours)["context"] is context


@pytest.mark.parametrize(
    ("override", "remembered"), [(None, True), ("safe_cast", False), ("duckdb__string_literal", False)]
)
def test_pure_macros_are_cached_unless_the_project_overrides_a_macro_they_call(
    override: str | None, remembered: bool
) -> None:
    packages = {
        **PACKAGES,
        "project": {**PACKAGES["project"], **({override: macro(override, "project")} if override else {})},
    }
    namespace = macro_namespaces.build_namespace(builder("project"), packages, {"target": {"type": "duckdb"}})
    assert isinstance(namespace.global_project_namespace["safe_cast"], macro_namespaces.RememberingMacro) is remembered


def test_a_cached_macro_distinguishes_1_true_and_a_string() -> None:
    namespace = macro_namespaces.build_namespace(builder("project"), PACKAGES, {"target": {"type": "duckdb"}})
    cast: Any = namespace["safe_cast"]
    for _ in range(2):
        assert [str(cast(value)) for value in (1, True, "1")] == [
            "dbt.safe_cast:1",
            "dbt.safe_cast:True",
            "dbt.safe_cast:1",
        ]


# --- type_testers, context_modules, database_name ---


def test_a_reused_type_tester_finds_the_same_types_as_dbts() -> None:
    rows = [["1", "a", "2024-01-01", "true"], ["2", "", "2024-01-02", "false"]]
    names = ["number", "text", "day", "flag"]
    expected = agate_helper.build_type_tester(["text"]).run(rows, names)
    for _ in range(2):
        found = type_testers.build_type_tester(["text"]).run(rows, names)
        assert [type(one) for one in found] == [type(one) for one in expected]


def test_different_null_values_need_a_different_type_tester() -> None:
    assert type_testers.build_type_tester(["a"]) is type_testers.build_type_tester(["a"])
    assert type_testers.build_type_tester(["a"]) is not type_testers.build_type_tester(["a"], string_null_values=("",))


def test_the_modules_in_the_jinja_context_are_dbts_and_each_caller_gets_a_copy() -> None:
    theirs, ours = context_base.get_context_modules(), context_modules.get_context_modules()
    assert {name: set(members) for name, members in ours.items()} == {
        name: set(members) for name, members in theirs.items()
    }
    ours["re"]["match"] = None
    assert context_modules.get_context_modules()["re"]["match"] is not None


@pytest.mark.parametrize(
    "path", [None, ":memory:", "meetup.duckdb", "md:my_db", "ducklake:x.db", "/data/meetup.duckdb", "/data/a"]
)
def test_a_database_path_without_special_characters_gets_the_same_name_as_in_dbt(path: str | None) -> None:
    assert database_name.path_derived_database_name(path) == DuckDBCredentials.path_derived_database_name(path)


@pytest.mark.parametrize(
    "path", ["/a#b/meetup.duckdb", "/a?b/meetup.duckdb", "/a/meetup.v2.duckdb", "/a b/meetup.duckdb"]
)
def test_a_database_path_with_special_characters_gets_the_same_name_as_in_duckdb(path: str) -> None:
    assert database_name.path_derived_database_name(path) == "meetup"


# --- flat_graph ---


@dataclass
class FlatNode:
    name: str
    converted: int = 0

    def to_dict(self, omit_none: bool = True) -> dict[str, Any]:
        self.converted += 1
        return {"name": self.name, "none": None} if not omit_none else {"name": self.name}


def test_a_lazy_dictionary_behaves_like_the_dictionary_of_its_nodes() -> None:
    def nodes() -> dict[str, FlatNode]:
        return {name: FlatNode(name) for name in ("a", "b")}

    plain = {name: node.to_dict(omit_none=False) for name, node in nodes().items()}
    late = lambda: flat_graph.LateDict(nodes())  # noqa: E731
    assert late() == plain
    assert list(late()) == list(plain)
    assert list(late().values()) == list(plain.values())
    assert list(late().items()) == list(plain.items())
    assert late()["a"] == plain["a"]
    assert late().get("a") == plain["a"]
    assert late().get("c", 7) == 7
    assert dict(late()) == plain
    assert {**late()} == plain
    assert late().copy() == plain
    assert copy.deepcopy(late()) == plain
    assert pickle.loads(pickle.dumps(late())) == plain
    assert json.loads(json.dumps(late().copy())) == plain
    assert repr(late()) == repr(plain)
    assert ("a" in late(), "c" in late(), len(late())) == (True, False, 2)


def test_a_node_is_converted_to_a_dictionary_only_once_when_it_is_read() -> None:
    node = FlatNode("a")
    late = flat_graph.LateDict({"a": node})
    assert (len(late), "a" in late, node.converted) == (1, True, 0)
    _ = late["a"], late["a"], list(late)
    assert node.converted == 1


# --- late_files ---


def test_files_are_written_immediately_unless_writing_is_deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, str, str]] = []
    monkeypatch.setattr(late_files, "_write_node", lambda node, *arguments: written.append(arguments))
    files = late_files.LateFiles()
    node = object.__new__(ParsedNode)
    files.write_node(node, "/project", "target/run/a.sql", "select 1")
    assert written == [("/project", "target/run/a.sql", "select 1")]
    files.on = True
    files.write_node(node, "/project", "target/run/b.sql", "select 2")
    assert len(written) == 1
    files.flush(node)
    assert written[1:] == [("/project", "target/run/a.sql", "select 1"), ("/project", "target/run/b.sql", "select 2")]


def test_the_statement_of_a_node_is_the_last_one_that_it_ran() -> None:
    files = late_files.LateFiles()
    files.on = True
    node: Any = object.__new__(ParsedNode)
    assert files.statement_of(node) is None
    node.build_path = "target/run/a.sql"
    files.write_node(node, "/project", "target/compiled/a.sql", "compiled")
    files.write_node(node, "/project", "target/run/a.sql", "first")
    files.write_node(node, "/project", "target/run/a.sql", "second")
    assert files.statement_of(node) == "second"


# --- name_contexts ---


def test_contexts_are_cached_until_macros_change(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[object] = []

    def generate(*key: object) -> dict[str, object]:
        created.append(key)
        return {"created": len(created)}

    monkeypatch.setattr(name_contexts, "generate_generate_name_macro_context", generate)
    one, other, config, manifest = (SimpleNamespace() for _ in range(4))
    context: Any = name_contexts.generate_name_macro_context
    name_contexts.macros_changed()
    assert [context(macro, config, manifest)["created"] for macro in (one, other, one)] == [1, 2, 1]
    name_contexts.macros_changed()
    assert context(one, config, manifest)["created"] == 3
    name_contexts.macros_changed()


# --- relation_listing ---


def test_several_threads_list_a_schema_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    listings: list[str] = []
    cached: set[str] = set()
    inside = threading.Lock()

    def list_relations(self: object, database: str, schema: str) -> list[str]:
        assert inside.acquire(blocking=False)
        listings.append(schema)
        threading.Event().wait(0.05)
        cached.add(schema)
        inside.release()
        return ["listed"]

    monkeypatch.setattr(
        relation_listing,
        "_list_relations",
        lambda self, database, schema: list_relations(self, database, schema) if schema not in cached else ["cached"],
    )
    adapter: Any = SimpleNamespace(
        _schema_is_cached=lambda database, schema: schema in cached,
        cache=SimpleNamespace(get_relations=lambda database, schema: ["cached"]),
    )
    found: list[list[Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(relation_listing.list_relations(adapter, "db", "s")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listings == ["s"]
    assert sorted(map(str, found)) == ["['cached']"] * 3 + ["['listed']"]


# --- early_database ---


def test_a_database_that_cannot_be_opened_early_is_left_to_dbt(tmp_path: Path) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    (tmp_path / "broken.duckdb").write_text("no database at all, and long enough to be read as one" * 100)
    early = early_database.EarlyDatabase(
        DuckDBCredentials(path=str(tmp_path / "broken.duckdb"), schema="main", database="broken")
    )
    early.hand_over()
    assert DuckDBConnectionManager._ENV is None


def test_dbt_uses_the_database_that_was_opened_early(tmp_path: Path) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    early = early_database.EarlyDatabase(
        DuckDBCredentials(path=str(tmp_path / "a.duckdb"), schema="main", database="a")
    )
    early.hand_over()
    environment: Any = DuckDBConnectionManager._ENV
    try:
        assert environment.handle().cursor().execute("select 7").fetchall() == [(7,)]
    finally:
        DuckDBConnectionManager._ENV = None
        environment.close()
