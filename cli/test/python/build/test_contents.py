from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from meetup_engine.build.contents import Contents, digest


def contents(*statements: str) -> tuple[Contents, duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    for statement in statements:
        connection.execute(statement)
    connections = SimpleNamespace(add_query=lambda sql, auto_begin: (None, connection.execute(sql)))
    adapter: Any = SimpleNamespace(connections=connections)
    return Contents(adapter), connection


def of_table(*statements: str) -> str | None:
    found, _ = contents(*statements)
    return found.of_table("main.t", found.columns_of("main", "t"))


CREATE = "create table t (id integer, name varchar)"


def test_the_content_of_a_table_does_not_depend_on_the_order_of_its_rows() -> None:
    one = of_table(CREATE, "insert into t values (1, 'a'), (2, 'b')")
    assert one == of_table(CREATE, "insert into t values (2, 'b'), (1, 'a')")


@pytest.mark.parametrize(
    "rows",
    [
        "(1, 'a')",
        "(1, 'a'), (2, 'b'), (2, 'b')",
        "(1, 'a'), (2, null)",
        "(1, 'b'), (2, 'a')",
        "(1, 'a'), (2, 'b'), (2, 'b'), (2, 'b')",
    ],
)
def test_the_content_of_a_table_depends_on_every_row_and_on_duplicates(rows: str) -> None:
    assert of_table(CREATE, f"insert into t values {rows}") != of_table(
        CREATE, "insert into t values (1, 'a'), (2, 'b')"
    )


def test_the_content_of_a_table_depends_on_its_columns() -> None:
    assert of_table(CREATE) != of_table("create table t (id bigint, name varchar)")
    assert of_table(CREATE) != of_table("create table t (id integer, other varchar)")


def test_the_content_of_an_append_only_table_depends_on_its_newest_batch() -> None:
    found, connection = contents("create table r (x integer, _batch_seq integer)", "insert into r values (1, 1)")
    columns = found.columns_of("main", "r")
    before = found.of_append_only("main.r", columns)
    assert before == found.of_append_only("main.r", columns)
    connection.execute("insert into r values (2, 2)")
    assert before != found.of_append_only("main.r", columns)


def test_names_that_need_quotes_are_quoted() -> None:
    found, _ = contents('create schema "a""b"', 'create table "a""b"."c d" ("e""f" integer)')
    columns = found.columns_of('a"b', "c d")
    assert columns == (('e"f', "INTEGER"),)
    assert found.columns()['a"b', "c d"] == columns
    assert found.of_table('"a""b"."c d"', columns) is not None


def test_a_digest_depends_on_where_its_parts_begin() -> None:
    assert digest("a", "b") != digest("ab")
    assert digest(1) != digest("1")
    assert digest("a", ("b", None)) == digest("a", ("b", None))
