from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from meetup_engine.unit_tests.literals import LostCell, lost_in_cast


def lost(data_type: str, value: object) -> list[LostCell]:
    test: Any = SimpleNamespace(expect=SimpleNamespace(rows=[{"Cell": value}]))
    with duckdb.connect() as connection:
        return lost_in_cast(test, {"cell": data_type}, connection)


@pytest.mark.parametrize(
    ("data_type", "value", "kept"),
    [
        ("DECIMAL(10,2)", "2.005", "2.01"),
        ("INTEGER", "1.4", "1"),
        ("DATE", "2024-01-02 10:00:00", "2024-01-02"),
        ("TIMESTAMP", "2024-01-02 10:00:00.1234567", "2024-01-02 10:00:00.123456"),
        ("DECIMAL(10,2)[]", "[1.005]", "[1.01]"),
    ],
)
def test_a_value_that_a_cast_to_its_column_type_changes_is_found(data_type: str, value: str, kept: str) -> None:
    assert lost(data_type, value) == [LostCell(0, "Cell", value, kept)]


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        ("DECIMAL(10,2)", "2.50"),
        ("DECIMAL(10,2)", 2.5),
        ("DECIMAL(10,2)", "NaN"),
        ("INTEGER", 7),
        ("BIGINT", "-7"),
        ("DATE", "2024-01-02"),
        ("TIMESTAMP", "2024-01-02"),
        ("TIMESTAMP", "2024-01-02T10:00:00.123456"),
        ("VARCHAR", "anything at all"),
        ("BOOLEAN", "true"),
        ("DOUBLE", "0.1"),
        ("STRUCT(a INTEGER)", "{'a': 1}"),
        ("INTEGER", None),
    ],
)
def test_a_value_that_a_cast_to_its_column_type_preserves_is_not_found(data_type: str, value: object) -> None:
    assert lost(data_type, value) == []


def test_expected_rows_in_sql_are_not_checked() -> None:
    test: Any = SimpleNamespace(expect=SimpleNamespace(rows="select 1.005 as cell"))
    with duckdb.connect() as connection:
        assert lost_in_cast(test, {"cell": "DECIMAL(10,2)"}, connection) == []
