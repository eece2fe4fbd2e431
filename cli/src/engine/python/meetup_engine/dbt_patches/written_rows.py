"""
Says how many rows a statement wrote, which dbt-duckdb leaves out of its responses.

DuckDB answers `create table as`, `insert`, `merge` and the like with one number. dbt reads no answer of a statement that it does not
fetch from, so it is still there to be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

if TYPE_CHECKING:
    from agate import Table

# Comments come before it, dbt's own among them.
_FIRST_WORD = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)
_execute = DuckDBConnectionManager.execute


def execute(
    self: DuckDBConnectionManager, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
) -> tuple[AdapterResponse, Table]:
    """As dbt-duckdb's own, with rows_affected, and the kind of statement as its code."""
    response, table = _execute(self, sql, auto_begin, fetch, limit)
    if not fetch:
        cursor = self.get_thread_connection().handle.cursor()
        if cursor.description and cursor.description[0][0] == "Count":
            answer = cursor.fetchone()
            response.rows_affected = answer[0] if answer else None
            response.code = _first_word(sql)
    return response, table


def _first_word(sql: str) -> str | None:
    """What kind of statement it is, in capitals."""
    found = _FIRST_WORD.match(sql)
    return found.group(1).upper() if found else None


PATCH = Patch(
    name="written_rows",
    why="dbt-duckdb does not say how many rows a statement wrote",
    gain="not speed: build reports how many rows it wrote",
    replaces=(
        Replacement(
            Symbol("dbt.adapters.duckdb.connections:DuckDBConnectionManager.execute", "1cf8849bf11211c3"), execute
        ),
    ),
    relies_on=(
        Symbol("dbt.adapters.sql.connections:SQLConnectionManager.execute", "4d95e9097ef1c8b2"),
        Symbol("dbt.adapters.duckdb.environments.local:DuckDBConnectionWrapper", "beca36c6278cea90"),
    ),
)
