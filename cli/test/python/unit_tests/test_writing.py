from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from meetup_engine.unit_tests.writing import NotPlain, expected_rows, given_rows, whole_statement


@dataclass
class Column:
    name: str
    data_type: str


COLUMNS: list[Any] = [Column("id", "INTEGER"), Column("name", "VARCHAR"), Column("at", "TIMESTAMP")]


def run(sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def test_the_rows_of_an_input_have_all_columns_of_its_relation() -> None:
    sql = given_rows("numbers", [{"ID": 1, "name": "it's"}, {"name": None}], COLUMNS)
    assert run(sql) == [(1, "it's", None), (None, None, None)]


def test_an_input_without_rows_is_empty_and_has_its_columns() -> None:
    assert run(given_rows("numbers", [], COLUMNS)) == []


def test_expected_rows_have_the_types_of_the_model() -> None:
    sql = expected_rows([{"id": "1", "name": "a"}], {"id": "INTEGER", "name": "VARCHAR"})
    assert run(f"select typeof(id), typeof(name) from ({sql})") == [("INTEGER", "VARCHAR")]


def test_the_complete_statement_marks_rows_as_actual_or_expected() -> None:
    assert run(whole_statement("select 1 as id", "select 2 as id", ['"id"'])) == [(1, "actual"), (2, "expected")]


@pytest.mark.parametrize("value", ["{{ x }}", "{% x %}", "{# x #}", "a\\b", "two\nlines", [1], {"a": 1}])
def test_a_value_that_only_dbts_macros_can_write_is_left_to_them(value: object) -> None:
    with pytest.raises(NotPlain):
        given_rows("numbers", [{"name": value}], COLUMNS)


def test_a_column_that_the_relation_does_not_have_is_left_to_dbts_macros() -> None:
    with pytest.raises(NotPlain):
        given_rows("numbers", [{"nothing": 1}], COLUMNS)
    with pytest.raises(NotPlain):
        given_rows("numbers", [], [])
