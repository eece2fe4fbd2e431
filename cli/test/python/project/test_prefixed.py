"""Statements of unit tests on a target: which of them stay in the run's own schemas."""

import pytest

from meetup_engine.project.prefixed import with_prefix
from meetup_engine.project.written_schemas import stays_inside

PREFIX = "meetup_fixtures_"


def is_own(schema: str) -> bool:
    return schema.startswith(PREFIX)


def test_a_branch_writes_to_schemas_with_its_suffix_only() -> None:
    def is_of_branch(schema: str) -> bool:
        return schema.endswith("__branch_x")

    assert stays_inside("create or replace table `main`.`marts__branch_x`.`t` as select * from marts.t", is_of_branch)
    assert stays_inside(
        "merge into marts__branch_x.t as held using marts.t as s on true when matched then delete", is_of_branch
    )
    assert not stays_inside("create or replace table `main`.`marts`.`t` as select 1", is_of_branch)
    assert not stays_inside("insert into marts.t select * from marts__branch_x.t", is_of_branch)
    assert not stays_inside("drop schema `main`.`marts__branch_y` cascade", is_of_branch)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from marts.orders",
        "/* {'app': 'dbt'} */\nwith a as (select 1) select * from a",
        "describe table extended `main`.`marts`.`orders`",
        "create schema if not exists `main`.`meetup_fixtures_marts`",
        "create or replace view `main`.`meetup_fixtures_marts`.`orders` as select * from `main`.`marts`.`t`",
        "create or replace temporary view `orders__dbt_tmp` as select 1",
        "drop view if exists `orders__dbt_tmp`",
        "insert overwrite `main`.`meetup_fixtures_oven`.`breads` values (1, 'insert into marts.t')",
        "drop table if exists main.meetup_fixtures_marts.orders",
        "select 'insert into marts.orders' as text",
        "comment on table main.meetup_fixtures_a.b is 'of marts.c'",
        "merge into meetup_fixtures_a.b as t using marts.c as s on t.id = s.id when matched then update set *",
    ],
)
def test_a_statement_that_reads_or_writes_to_own_schemas_is_allowed(sql: str) -> None:
    assert stays_inside(sql, is_own)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into marts.runs select 1",
        "create table marts.t as select * from meetup_fixtures_marts.orders",
        "-- meetup_fixtures_a.b\ncreate table marts.t (id int)",
        "create schema if not exists oven_audit",
        "drop schema `main`.`marts` cascade",
        "create table t (id int)",
        "drop table orders",
        "truncate table main.marts.orders",
        "alter table meetup_fixtures_a.b rename to marts.b",
        "from meetup_fixtures_a.b insert into marts.b select *",
        "with a as (select 1) insert into marts.b select * from a",
        "vacuum marts.orders",
        "grant select on schema marts to `me`",
        "something new `marts`.`orders`",
    ],
)
def test_a_statement_that_writes_elsewhere_or_is_unclear_is_refused(sql: str) -> None:
    assert not stays_inside(sql, is_own)


def test_a_schema_gets_the_prefix_once() -> None:
    assert with_prefix("marts", PREFIX) == "meetup_fixtures_marts"
    assert with_prefix("meetup_fixtures_marts", PREFIX) == "meetup_fixtures_marts"
