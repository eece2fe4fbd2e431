"""A unit test as one statement, exactly as dbt would run it: its fixtures as CTEs, its overrides, is_incremental, this."""

import contextlib
from dataclasses import dataclass

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

# dbt's name for the compared side that is the model's; its materialization puts it into the one statement that counts.
_THE_STATEMENT = "dbt_internal_unit_test_actual"


@dataclass(frozen=True)
class Compiled:
    """`statement` gives actual and expected rows, told apart by the last column, `actual_or_expected`."""

    statement: str
    # The model's part of the statement; the CTEs before it; and the model itself without them.
    code: str
    ctes: tuple
    body: str


def compile_unit_test(test, manifest, config, adapter, cursor, overridden):
    """
    Has dbt compile a unit test: its model with its overrides, is_incremental and this. Its rows are written by us, and by
    dbt itself where that might say something else.
    @raises DbtBaseException: what dbt itself would report as the test's error.
    """
    built = UnitTestManifestLoader(manifest, config, {test.unique_id}).load()
    node = built.nodes[test.unique_id]
    if not overridden:
        _write_inputs(test, node, built, config, adapter)
    node = QuietCompiler(config).compile_node(node, built, {}, write=False)
    statement = None if overridden else _statement(test, node, adapter, cursor)
    if statement is None:
        statement = _by_materialization(test, node, built, config, adapter)
    body = node._pre_injected_sql or node.compiled_code
    return Compiled(statement, node.compiled_code, tuple(cte.sql for cte in node.extra_ctes), body)


def _write_inputs(test, node, built, config, adapter):
    """Puts each input's rows where dbt would compile the macro that writes them."""
    for given, unique_id in zip(test.given, node.depends_on.nodes):
        if not isinstance(given.rows, list):
            continue
        stand_in = built.nodes[unique_id]
        relation = adapter.Relation.create_from(config, stand_in)
        try:
            stand_in.compiled_code = given_rows(stand_in.name, given.rows, adapter.get_columns_in_relation(relation))
        except NotPlain:
            continue
        stand_in.compiled = stand_in.extra_ctes_injected = True


def _statement(test, node, adapter, cursor):
    """What dbt's materialization would run, or None where only that knows."""
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
            _require_known_columns(test.name, rows, [column.name for column in columns], cursor)
            expected, wanted = rows, columns
        elif not rows:
            expected, wanted = "select * from dbt_internal_unit_test_actual limit 0", columns
        else:
            expected = expected_rows(rows, {name: column.data_type for name, column in named.items()})
            wanted = [named[str(name).lower()] for name in rows[0]]
    except NotPlain:
        return None
    return whole_statement(node.compiled_code, expected, [column.quoted for column in wanted])


def _require_known_columns(test, sql, columns, cursor):
    """Holds expected rows that are SQL to the model's columns; where it is no SQL by itself, dbt's statement tells."""
    try:
        described = cursor.execute(f"describe {sql}").fetchall()
    except duckdb.Error:
        return
    require_known([row[0] for row in described], columns, test)


def _by_materialization(test, node, built, config, adapter):
    """Runs dbt's own materialization, whose last statement is kept instead of executed."""
    context = generate_runtime_model_context(node, config, built)
    materialization = built.find_materialization_macro_by_name(
        config.project_name, node.get_materialization(), adapter.type()
    )
    with _intercepted(adapter) as kept, adapter.connection_named(test.unique_id):
        try:
            MacroGenerator(materialization, context)()
        except DbtBaseException as error:
            # dbt's own words.
            told = DbtRuntimeError(
                f"An error occurred during execution of unit test '{test.name}'. "
                f"There may be an error in the unit test definition: check the data types.\n {error}"
            )
            # Where the database points into the model, its line is worth more than these words.
            told.compiled_code, told.reason = node.compiled_code, error
            raise told from error
    return kept[-1]


@contextlib.contextmanager
def _intercepted(adapter):
    """Keeps the statement that compares, and lets dbt's other statements (a temporary table) through."""
    kept = []
    execute = adapter.execute

    def keep(sql, auto_begin=False, fetch=False, limit=None):
        if fetch and _THE_STATEMENT in sql:
            kept.append(sql)
            return AdapterResponse(_message="OK"), agate.Table([])
        return execute(sql, auto_begin=auto_begin, fetch=fetch, limit=limit)

    adapter.execute = keep
    # The temporary table that the materialization makes: dbt has a macro for it, with a context of its own for each call.
    adapter.drop_relation = lambda relation: execute(f"drop table if exists {relation.render()}")
    try:
        yield kept
    finally:
        del adapter.execute, adapter.drop_relation
