"""Compiles a unit test to one statement as dbt would run it: with its fixtures as CTEs, its overrides, is_incremental and this."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import agate
import duckdb
from dbt.adapters.contracts.connection import AdapterResponse
from dbt.clients.jinja import MacroGenerator
from dbt.context.providers import generate_runtime_model_context
from dbt.parser.unit_tests import UnitTestManifestLoader
from dbt_common.exceptions import DbtBaseException, DbtRuntimeError

from meetup_engine.dbt_patches.unit_test_columns import by_name, require_known
from meetup_engine.unit_tests.columns import QuietCompiler
from meetup_engine.unit_tests.writing import NotPlain, expected_rows, given_rows, whole_statement

if TYPE_CHECKING:
    from dbt.adapters.base.relation import BaseRelation
    from dbt.adapters.duckdb.impl import DuckDBAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestSQLNode, UnitTestDefinition

# dbt's label for the model's rows; its materialization puts it into the statement that compares.
_THE_STATEMENT = "dbt_internal_unit_test_actual"


@dataclass(frozen=True)
class Compiled:
    """`statement` returns actual and expected rows, distinguished by the last column, `actual_or_expected`."""

    statement: str
    # The model's part of the statement, the CTEs before it, and the model itself without them.
    code: str
    ctes: tuple[str, ...]
    body: str


class UnitTestFailed(DbtRuntimeError):
    """A unit test that can't be run. `reason`: the message of dbt or the database; `compiled_code`: the model's."""

    def __init__(self, message: str, compiled_code: str | None, reason: DbtBaseException) -> None:
        super().__init__(message)
        self.compiled_code = compiled_code
        self.reason = reason


def compile_unit_test(
    test: UnitTestDefinition,
    manifest: Manifest,
    config: RuntimeConfig,
    adapter: DuckDBAdapter,
    cursor: duckdb.DuckDBPyConnection,
    overridden: bool,
) -> Compiled:
    """
    Lets dbt compile a unit test: its model with its overrides, is_incremental and this. The fixtures' rows are written by
    `writing.py`, or by dbt if the result might differ.
    @raises DbtBaseException: the error that dbt itself would report for the test.
    """
    built = UnitTestManifestLoader(manifest, config, {test.unique_id}).load()
    parsed: Any = built.nodes[test.unique_id]
    if not overridden:
        with adapter.connection_named(test.unique_id):
            _write_inputs(test, parsed, built, config, adapter)
    node = QuietCompiler(config).compile_node(parsed, built, {}, write=False)
    statement = None if overridden else _statement(test, node, adapter, cursor)
    if statement is None:
        statement = _by_materialization(test, node, built, config, adapter)
    code = node.compiled_code or ""
    return Compiled(statement, code, tuple(cte.sql for cte in node.extra_ctes), node._pre_injected_sql or code)


def _write_inputs(
    test: UnitTestDefinition, node: ManifestSQLNode, built: Manifest, config: RuntimeConfig, adapter: DuckDBAdapter
) -> None:
    """Inserts each input's rows, for which dbt would compile a macro."""
    for given, unique_id in zip(test.given, node.depends_on.nodes, strict=False):
        if not isinstance(given.rows, list):
            continue
        stand_in: Any = built.nodes[unique_id]
        relation = adapter.Relation.create_from(config, stand_in)
        try:
            stand_in.compiled_code = given_rows(stand_in.name, given.rows, adapter.get_columns_in_relation(relation))
        except NotPlain:
            continue
        stand_in.compiled = stand_in.extra_ctes_injected = True


def _statement(
    test: UnitTestDefinition, node: ManifestSQLNode, adapter: DuckDBAdapter, cursor: duckdb.DuckDBPyConnection
) -> str | None:
    """The statement that dbt's materialization would run; None if only dbt can write it."""
    if getattr(node.config, "sql_header", None):
        return None
    try:
        described = cursor.execute(f"describe {node.compiled_code}").fetchall()
    except duckdb.Error:
        return None
    columns = [adapter.Column(column=row[0], dtype=row[1]) for row in described]
    named = {column.name.lower(): column for column in columns}
    rows = test.expect.rows
    if isinstance(rows, list):
        rows = by_name(rows, test.name)
    try:
        if not isinstance(rows, list):
            _require_known_columns(test.name, str(rows), [column.name for column in columns], cursor)
            expected, wanted = str(rows), columns
        elif not rows:
            expected, wanted = "select * from dbt_internal_unit_test_actual limit 0", columns
        else:
            expected = expected_rows(rows, {name: column.data_type for name, column in named.items()})
            wanted = [named[str(name).lower()] for name in rows[0]]
    except NotPlain:
        return None
    return whole_statement(node.compiled_code or "", expected, [column.quoted for column in wanted])


def _require_known_columns(test: str, sql: str, columns: list[str], cursor: duckdb.DuckDBPyConnection) -> None:
    """Checks the columns of expected rows in SQL. If that isn't a query by itself, dbt's statement will report the error."""
    try:
        described = cursor.execute(f"describe {sql}").fetchall()
    except duckdb.Error:
        return
    require_known([row[0] for row in described], columns, test)


def _by_materialization(
    test: UnitTestDefinition, node: ManifestSQLNode, built: Manifest, config: RuntimeConfig, adapter: DuckDBAdapter
) -> str:
    """Runs dbt's materialization, but captures its last statement instead of executing it."""
    context = generate_runtime_model_context(node, config, built)
    materialization = built.find_materialization_macro_by_name(
        config.project_name, node.get_materialization(), adapter.type()
    )
    if materialization is None:
        raise DbtRuntimeError(f"dbt has no materialization for unit test '{test.name}'.")
    with _intercepted(adapter) as kept, adapter.connection_named(test.unique_id):
        try:
            MacroGenerator(materialization, context)()
        except DbtBaseException as error:
            # dbt's message. If the database names a line in the model, that is more useful.
            raise UnitTestFailed(
                f"An error occurred during execution of unit test '{test.name}'. "
                f"There may be an error in the unit test definition: check the data types.\n {error}",
                node.compiled_code,
                error,
            ) from error
    return kept[-1]


@contextlib.contextmanager
def _intercepted(adapter: DuckDBAdapter) -> Iterator[Sequence[str]]:
    """Captures the statement that compares, and executes dbt's other statements (for a temporary table)."""
    kept: list[str] = []
    execute = adapter.execute

    def keep(
        sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
    ) -> tuple[AdapterResponse, agate.Table]:
        if fetch and _THE_STATEMENT in sql:
            kept.append(sql)
            return AdapterResponse(_message="OK"), agate.Table([])
        return execute(sql, auto_begin=auto_begin, fetch=fetch, limit=limit)

    def drop(relation: BaseRelation) -> None:
        """Drops the materialization's temporary table without dbt's macro, which would need a context for each call."""
        execute(f"drop table if exists {relation.render()}")

    vars(adapter).update(execute=keep, drop_relation=drop)
    try:
        yield kept
    finally:
        del vars(adapter)["execute"], vars(adapter)["drop_relation"]
