"""
Wraps `UnitTestManifestLoader.parse_unit_test_case` of dbt-core, so that the rows which a unit test expects are compared by the
names of their columns, as dbt's documentation has it.

dbt itself puts the rows under each other with `union all`, each with its columns as it names them: a row that names them in
another order than the first, or names other ones, is compared by position (dbt-core#9405).
"""

import copy

from dbt.parser.unit_tests import UnitTestManifestLoader
from dbt_common.exceptions import DbtRuntimeError


def install() -> None:
    original = UnitTestManifestLoader.parse_unit_test_case
    if getattr(original, "is_ours", False):
        return

    def parse_unit_test_case(self, test_case):
        rows = test_case.expect.rows
        if isinstance(rows, list):
            expect = copy.copy(test_case.expect)
            expect.rows = by_name(rows, test_case.name)
            test_case = copy.copy(test_case)
            test_case.expect = expect
        return original(self, test_case)

    parse_unit_test_case.is_ours = True
    UnitTestManifestLoader.parse_unit_test_case = parse_unit_test_case


def by_name(rows: list[dict], test: str) -> list[dict]:
    """
    The same rows, each with all columns that any of them names, in one order. What a row leaves out is null, as in given rows.
    @raises DbtRuntimeError: a row names a column twice, in two spellings.
    """
    spelling: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        seen = set()
        for column in row:
            key = str(column).lower()
            if key in seen:
                raise DbtRuntimeError(f"Unit test '{test}': expected row {number} names the column '{key}' twice.")
            seen.add(key)
            spelling.setdefault(key, column)
    named = [{str(column).lower(): value for column, value in row.items()} for row in rows]
    return [{column: row.get(key) for key, column in spelling.items()} for row in named]


def require_known(names: list[str], columns: list[str], test: str) -> None:
    """@raises DbtRuntimeError: the expected rows, written as SQL, have a column that the model has not; dbt would not look at it."""
    known = {column.lower() for column in columns}
    unknown = next((name for name in names if name.lower() not in known), None)
    if unknown is not None:
        raise DbtRuntimeError(
            f"Invalid column name: '{unknown}' in the expected rows of unit test '{test}'. The model's columns are: {', '.join(columns)}."
        )
