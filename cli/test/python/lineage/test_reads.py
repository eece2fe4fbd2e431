from __future__ import annotations

import pytest
from sqlglot import parse_one

from meetup_engine.lineage.reads import DIALECT, QueryReadings, Reading, UnreadableSql, readings_of

TABLES = {("d", "s", "a"): ["id", "x", "y", "list"], ("d", "s", "b"): ["id", "w"]}


def read(sql: str) -> QueryReadings:
    return readings_of(parse_one(sql, dialect=DIALECT), TABLES)


def names(reading: Reading) -> list[str]:
    return sorted(f"{place[2]}.{column}" for place, column in reading.reads)


def test_a_column_reads_what_its_expression_reads_and_the_filter_only_concerns_the_rows() -> None:
    found = read("select id, x + 1 as more from d.s.a where y > 1")
    assert names(found.columns["id"]) == ["a.id"]
    assert names(found.columns["more"]) == ["a.x"]
    assert names(found.rows) == ["a.y"]


@pytest.mark.parametrize(
    ("sql", "column", "reads", "rows"),
    [
        ("with q as (select * from d.s.a) select q.* exclude (list), b.w from q left join d.s.b on q.id = b.id",
         "w", ["b.w"], ["a.id", "b.id"]),
        ("with q as (select * replace (x + y as y) from d.s.a) select y from q", "y", ["a.x", "a.y"], []),
        ("select x, count(*) filter (where y > 2) as n from d.s.a group by all", "n", ["a.y"], ["a.x"]),
        ("select x, count(*) as n from d.s.a group by all", "n", [], ["a.x"]),
        ("with q as (select *, row_number() over w as rank from d.s.a window w as (partition by x order by y)) "
         "select id from q where rank = 1", "id", ["a.id"], ["a.x", "a.y"]),
        ("select id, rank() over w as rank from d.s.a window w as (partition by x order by y)",
         "rank", ["a.x", "a.y"], []),
        ("select x as k from d.s.a qualify row_number() over (partition by k order by y) = 1",
         "k", ["a.x"], ["a.x", "a.y"]),
        ("select item.name as name from d.s.a cross join unnest(a.list) as items(item)", "name", ["a.list"], ["a.list"]),
        ("select i.item from d.s.a cross join lateral (select unnest(a.list) as item) as i",
         "item", ["a.list"], ["a.list"]),
        ("select id, unnest(list) as item from d.s.a", "id", ["a.id"], ["a.list"]),
        ("select id from d.s.a union all select w from d.s.b", "id", ["a.id", "b.w"], []),
        ("select id from d.s.a union select w from d.s.b", "id", ["a.id", "b.w"], ["a.id", "b.w"]),
        ("select distinct id, x from d.s.a", "id", ["a.id"], ["a.id", "a.x"]),
        ("select id from d.s.a order by y", "id", ["a.id"], []),
        ("select id from d.s.a order by y limit 3", "id", ["a.id"], ["a.y"]),
        ("select id, x as n from d.s.a order by n limit 3", "id", ["a.id"], ["a.x"]),
        ("select id, (select max(w) from d.s.b where b.id = a.x) as w from d.s.a "
         "where exists (select 1 from d.s.b where b.id = a.y)", "w", ["a.x", "b.id", "b.w"], ["a.y", "b.id"]),
        ("select list_transform(list, e -> e + y) as list from d.s.a", "list", ["a.list", "a.y"], []),
        ("select x.street.name as street from d.s.a", "street", ["a.x"], []),
        ("select i as n from range(10) as t(i)", "n", [], []),
        ("from d.s.a select x", "x", ["a.x"], []),
        ("select ID from d.s.A", "id", ["a.id"], []),
    ],
)  # fmt: skip
def test_reads_follow_the_sql(sql: str, column: str, reads: list[str], rows: list[str]) -> None:
    found = read(sql)
    assert names(found.columns[column]) == reads
    assert names(found.rows) == rows


@pytest.mark.parametrize(
    "sql",
    [
        "select columns('i.*') from d.s.a",
        "select nothing from d.s.a",
        "select id from d.s.a pivot (sum(x) for y in (1, 2))",
        "create table t as select 1",
        "with recursive r as (select id, x from d.s.a union all select r.id, b.w from r join d.s.b on r.id = b.id) "
        "select * from r where columns(*) > 1",
    ],
)
def test_what_cannot_be_resolved_is_an_error(sql: str) -> None:
    with pytest.raises(UnreadableSql):
        read(sql)


def test_a_digest_ignores_layout_comments_and_other_columns() -> None:
    before = read("select id, x from d.s.a where y > 1")
    after = read("select\n  id, -- the key\n  x + 1 as x\nfrom d.s.a\nwhere y > 1")
    assert before.columns["id"].digest == after.columns["id"].digest
    assert before.rows.digest == after.rows.digest
    assert before.columns["x"].digest != after.columns["x"].digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select id from d.s.a where y > 1", "select id from d.s.a where y > 2"),
        ("select id from d.s.a", "select id from d.s.a limit 5"),
        ("select id from d.s.a", "select distinct id from d.s.a"),
        ("select a.id from d.s.a join d.s.b on a.id = b.id", "select a.id from d.s.a left join d.s.b on a.id = b.id"),
        ("select id from d.s.a union all select id from d.s.b", "select id from d.s.a union select id from d.s.b"),
        ("select id from d.s.a except select id from d.s.b", "select id from d.s.a intersect select id from d.s.b"),
        ("select i from range(10) as t(i)", "select i from range(11) as t(i)"),
        ("select x from d.s.a group by x having count(*) > 1", "select x from d.s.a group by x having count(*) > 2"),
        ("select id from d.s.a", "select id from d.s.a tablesample 10%"),
        (
            "select p.id from d.s.a as p join d.s.a as q on p.x = q.y",
            "select p.id from d.s.a as p join d.s.a as q on q.x = p.y",
        ),
        (
            "with q as (select id from d.s.a) select id from q",
            "with q as (select id from d.s.a where x = 1) select id from q",
        ),
        (
            "select id from d.s.a where id in (select id from d.s.b)",
            "select id from d.s.a where id in (select w from d.s.b)",
        ),
    ],
)
def test_another_choice_of_rows_has_another_digest(before: str, after: str) -> None:
    assert read(before).rows.digest != read(after).rows.digest


def test_the_same_expression_of_another_side_of_a_join_is_another_column() -> None:
    joined = "from d.s.a as p join d.s.a as q on p.x = q.y"
    assert read(f"select p.id {joined}").columns["id"].digest != read(f"select q.id {joined}").columns["id"].digest


def test_a_changed_cte_changes_the_columns_that_read_it_only() -> None:
    def sql(expression: str) -> str:
        return f"with q as (select id, {expression} as v, y from d.s.a) select id, v * 2 as doubled, y from q"

    before, after = read(sql("x")), read(sql("x + 1"))
    changed = [name for name, reading in before.columns.items() if reading.digest != after.columns[name].digest]
    assert changed == ["doubled"]
