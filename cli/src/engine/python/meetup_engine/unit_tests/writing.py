"""
Writes a fixture's rows as SQL, with the same casts of the same literals as dbt's macros. In Jinja, with a context of 600 macros
for each input of each test, that takes longer than everything else. If one of those macros is overridden, or a value isn't
plain, dbt's macros are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meetup_engine.sql_text import literal, quoted

if TYPE_CHECKING:
    from dbt.adapters.base.column import Column
    from dbt.contracts.graph.manifest import Manifest

Row = Mapping[str, Any]

# The macros of dbt that this module replaces.
_STOOD_FOR = frozenset(
    {
        "get_fixture_sql", "format_row", "safe_cast", "string_literal", "escape_single_quotes", "validate_fixture_rows",
        "get_expected_sql", "get_unit_test_sql", "get_empty_subquery_sql", "get_columns_in_query",
    }
)  # fmt: skip
_PLAIN = (str, int, float, bool, type(None))
# Rows reach dbt's macros as text inside Jinja.
_JINJA = ("{{", "{%", "{#", "}}", "%}", "#}", "\\", "\n")


class NotPlain(Exception):
    """The value needs dbt's own macros."""


def is_overridden(manifest: Manifest) -> bool:
    """Whether the project or the adapter overrides one of the replaced macros."""
    for macro in manifest.macros.values():
        dialect, _, name = macro.name.rpartition("__")
        if (
            name in _STOOD_FOR
            and dialect in ("", "default", "duckdb")
            and macro.package_name not in ("dbt", "dbt_duckdb")
        ):
            return True
        if macro.name.startswith("materialization_unit_") and macro.package_name != "dbt":
            return True
    return False


def given_rows(name: str, rows: Sequence[Row], columns: Iterable[Column]) -> str:
    """
    The rows of one input. `columns`: dbt's columns of the relation that they replace.
    @raises NotPlain
    """
    types = {column.name.lower(): column.data_type for column in columns}
    if not types:
        raise NotPlain()
    empty = {column: f"cast(null as {data_type})" for column, data_type in types.items()}
    listed = [", ".join({**empty, **_formatted(row, types)}.values()) for row in rows]
    return f"-- Fixture for {name}\n{_values(listed or [', '.join(empty.values())], list(empty), bool(rows))}"


def expected_rows(rows: Sequence[Row], types: Mapping[str, str]) -> str:
    """
    The expected rows, all with the same columns in the same order. `types`: the types of the model's columns by lower-case name.
    @raises NotPlain
    """
    listed = [_formatted(row, types) for row in rows]
    return f"-- Fixture for expected\n{_values([', '.join(row.values()) for row in listed], list(listed[0]), True)}"


def whole_statement(code: str, expected: str, columns: Iterable[str]) -> str:
    """Replaces dbt's `get_unit_test_sql`."""
    names = ", ".join(columns)
    return f"""with dbt_internal_unit_test_actual as (
  select {names}, 'actual' as "actual_or_expected"
  from (
    {code}
  ) _dbt_internal_unit_test_actual
),
dbt_internal_unit_test_expected as (
  select {names}, 'expected' as "actual_or_expected"
  from (
    {expected}
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected
"""


def _values(listed: Iterable[str], names: Iterable[str], filled: bool) -> str:
    rows = ",\n".join(f"({cells})" for cells in listed)
    return f"select * from (values\n{rows}\n) as fixture({', '.join(map(quoted, names))}){'' if filled else ' limit 0'}"


def _formatted(row: Row, types: Mapping[str, str]) -> dict[str, str]:
    """Replaces dbt's `format_row`."""
    formatted = {}
    for name, value in row.items():
        data_type = types.get(name.lower())
        if data_type is None or type(value) not in _PLAIN:
            raise NotPlain()
        if isinstance(value, str):
            if any(mark in value for mark in _JINJA):
                raise NotPlain()
            data_type = data_type.split("(")[0] if "varying" in data_type else data_type
            text = literal(value)
        else:
            text = "null" if value is None else str(value)
        formatted[name.lower()] = f"cast({text} as {data_type})"
    return formatted
