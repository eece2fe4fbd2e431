"""Logs the statements that run on DuckDB, for measurements and debugging. All connections of dbt and of the engine are made here."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.environments.local import DuckDBConnectionWrapper, DuckDBCursorWrapper

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol
from meetup_engine.statement_log import WORKING, log

_init = DuckDBConnectionWrapper.__init__
_execute = DuckDBCursorWrapper.execute


def init(self: DuckDBConnectionWrapper, cursor: Any, env: Any) -> None:  # noqa: ANN401 - as dbt-duckdb has it
    """dbt-duckdb's method, which also names the connection in the log."""
    _init(self, cursor, env)
    if log.on:
        vars(self._cursor)["logged_as"] = (name_of(env), log.number())


def execute(self: DuckDBCursorWrapper, sql: str, bindings: Any = None) -> Any:  # noqa: ANN401 - as dbt-duckdb has it
    """dbt-duckdb's method, with the log."""
    if not log.on:
        return _execute(self, sql, bindings)
    database, connection = vars(self)["logged_as"]
    with log.statement(database, connection, sql):
        return _execute(self, sql, bindings)


def name_in_log(env: object, name: str) -> None:
    """Names the database of an environment of dbt-duckdb in the log; without a name, it is the working database."""
    vars(env)["logged_as"] = name


def name_of(env: object) -> str:
    name: str = vars(env).get("logged_as", WORKING)
    return name


PATCH = Patch(
    name="logged_statements",
    why="measurements need exactly the statements that were run",
    gain="not speed: DuckDB's own time can be measured with the same statements",
    replaces=(
        Replacement(
            Symbol("dbt.adapters.duckdb.environments.local:DuckDBConnectionWrapper.__init__", "6dda654cdb140368"), init
        ),
        Replacement(
            Symbol("dbt.adapters.duckdb.environments.local:DuckDBCursorWrapper.execute", "fecd296d7efd5b16"), execute
        ),
    ),
)
