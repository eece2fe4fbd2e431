"""
Wraps `UnitTestManifestLoader.parse_unit_test_case` of dbt-core, so that a unit test's expected rows are compared by column
name, as dbt documents it.

dbt combines the rows with `union all`, each with its columns in the order in which it names them. A row with another order than
the first, or with other columns, is therefore compared by position (dbt-core#9405).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from dbt.parser.unit_tests import UnitTestManifestLoader
from dbt_common.exceptions import DbtRuntimeError

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import UnitTestDefinition


_parse_unit_test_case = UnitTestManifestLoader.parse_unit_test_case


class OwnRows(list[dict[str, Any]]):
    """Rows that nothing else holds, so that dbt's copy of them only has to copy what is inside of cells."""

    def __deepcopy__(self, memo: dict[int, Any]) -> list[dict[str, Any]]:
        return [
            {name: cell if type(cell) in _PLAIN else copy.deepcopy(cell, memo) for name, cell in row.items()}
            for row in self
        ]


_PLAIN = frozenset({str, int, float, bool, type(None)})


def parse_unit_test_case(self: UnitTestManifestLoader, test_case: UnitTestDefinition) -> None:
    """dbt's method, for the test with normalized expected rows."""
    rows = test_case.expect.rows
    if isinstance(rows, list):
        expect = copy.copy(test_case.expect)
        expect.rows = OwnRows(by_name(rows, test_case.name))
        test_case = copy.copy(test_case)
        test_case.expect = expect
    _parse_unit_test_case(self, test_case)


def by_name(rows: list[dict[str, Any]], test: str) -> list[dict[str, Any]]:
    """
    The same rows, each with the columns of all rows, in one order. Missing values are null, as in given rows.
    @raises DbtRuntimeError if a row names a column twice in different spellings.
    """
    spelling: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        seen: set[str] = set()
        for column in row:
            key = str(column).lower()
            if key in seen:
                raise DbtRuntimeError(f"Unit test '{test}': expected row {number} names the column '{key}' twice.")
            seen.add(key)
            spelling.setdefault(key, column)
    named = [{str(column).lower(): value for column, value in row.items()} for row in rows]
    return [{column: row.get(key) for key, column in spelling.items()} for row in named]


def require_known(names: list[str], columns: list[str], test: str) -> None:
    """@raises DbtRuntimeError if expected rows in SQL have a column that the model doesn't have; dbt would ignore it."""
    known = {column.lower() for column in columns}
    unknown = next((name for name in names if name.lower() not in known), None)
    if unknown is not None:
        raise DbtRuntimeError(
            f"Invalid column name: '{unknown}' in the expected rows of unit test '{test}'. The model's columns are: {', '.join(columns)}."
        )


PATCH = Patch(
    name="unit_test_columns",
    why="dbt compares expected rows by position if they name their columns in another order",
    gain="not speed: expected rows are compared by column name, as dbt documents it",
    replaces=(
        Replacement(
            Symbol("dbt.parser.unit_tests:UnitTestManifestLoader.parse_unit_test_case", "a2db5b2aa6cacacb"),
            parse_unit_test_case,
        ),
    ),
)
