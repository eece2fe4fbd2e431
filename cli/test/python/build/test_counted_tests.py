"""Tests that are counted together have the counts that they have one by one."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from meetup_engine.build.counted_tests import Condition, Counts, condition_of, counting

# As dbt's `get_test_sql` writes it.
STATEMENT = """

    select
      {0} as failures,
      {0} {1} as should_warn,
      {0} {1} as should_error
    from (
      
    {2}
  {3}
      
    ) dbt_internal_test"""  # noqa: W293 - as dbt has it

COUNTED = [
    "select * from t where n < 3",
    "select *\nfrom t\nwhere\n    n < 2 or n > 7",
    'select n, 1 from t where "two words" is null',
    "select n from t where not coalesce(n > m and word like 'a%', false)",
    "select * from t where n not in (1, 2) and case when m > 3 then true else false end",
    "select * from t where n between 2 and 4 -- a comment\n",
    "select t.n from t where t.n = 5 and word <> 'it''s'",
]
ALONE = [
    "select * from t",
    "select distinct n from t where n > 1",
    "select n as m from t where m > 1",
    "select * exclude (n) from t where n > 1",
    "select unnest([1, 2]) from t where n > 1",
    "select count(*) from t where n > 1",
    "select n from t where n > 1 group by n",
    "select n from t where n > 1 group by n having count(*) > 1",
    "select n from t where n > 1 limit 2",
    "select n from t where n > 1 order by n",
    "select n from t where n > (select 1)",
    "select n from t where exists (from t)",
    "select n from t, t as other where t.n > 1",
    "select n from (select * from t) where n > 1",
    "select n from t tablesample 10% where n > 1",
    "select n from t where n > 1 qualify row_number() over () = 1",
    "with t as (select 1 as n) select n from t where n > 0",
    "select n from t where n > 1 union all select n from t where n > 1",
    "select n from t where list_filter([n], x -> x > 1) = [n]",
    "select n from t where n > 1; select 1",
    "select n from t where n > 1) dbt_internal_test, (select 1",
    "select nothing sensible",
]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(
        "create table t as select i as n, nullif(i % 4, 0) as m, ['a' || i, null, 'it''s'][i % 3 + 1] as word, "
        'nullif(i % 2, 0) as "two words" from range(10) as r(i)'
    )
    return connection


def statement_of(sql: str, calculated: str = "count(*)", compared: str = "!= 0", limit: str = "") -> str:
    return STATEMENT.format(calculated, compared, sql, limit)


def conditions() -> dict[str, Condition]:
    found = {sql: condition_of(statement_of(sql), sql) for sql in COUNTED}
    return {sql: condition for sql, condition in found.items() if condition is not None}


def test_conditions_on_one_relation_are_counted_in_one_statement(connection: duckdb.DuckDBPyConnection) -> None:
    together = conditions()
    assert list(together) == COUNTED
    counts = connection.execute(counting(tuple(together.values()))).fetchall()
    one_by_one = [connection.execute(statement_of(sql)).fetchall()[0][0] for sql in COUNTED]
    assert counts == [tuple(one_by_one)]
    assert len(set(one_by_one)) > 2


@pytest.mark.parametrize("sql", ALONE)
def test_a_test_that_is_more_than_a_condition_runs_by_itself(sql: str) -> None:
    assert condition_of(statement_of(sql), sql) is None


@pytest.mark.parametrize(
    "settings",
    [{"calculated": "sum(n)"}, {"compared": "> 2"}, {"limit": "limit 1"}],
    ids=["fail_calc", "error_if", "limit"],
)
def test_a_test_with_settings_of_its_own_runs_by_itself(settings: dict[str, str]) -> None:
    sql = COUNTED[0]
    assert condition_of(statement_of(sql, **settings), sql) is None


def test_a_relation_is_scanned_once_for_all_of_its_tests(connection: duckdb.DuckDBPyConnection) -> None:
    ran: list[str] = []

    def rows(statement: str) -> list[tuple[Any, ...]]:
        ran.append(statement)
        return connection.execute(statement).fetchall()

    counts = Counts()
    together = conditions()
    found = [counts.of(sql, lambda: together, rows) for sql in together]
    assert found == [connection.execute(statement_of(sql)).fetchall()[0][0] for sql in together]
    assert len(ran) == 1


def test_tests_of_which_one_breaks_run_by_themselves(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "select * from t where cast(word as integer) = 1"
    broken = condition_of(statement_of(sql), sql)
    assert broken is not None
    together = {**conditions(), sql: broken}
    counts = Counts()
    assert [counts.of(name, lambda: together, lambda it: connection.execute(it).fetchall()) for name in together] == [
        None
    ] * len(together)


def test_a_test_without_others_runs_by_itself() -> None:
    together = dict(list(conditions().items())[:1])
    assert (
        Counts().of(next(iter(together)), lambda: together, lambda _: pytest.fail("nothing is to be counted")) is None
    )
