from __future__ import annotations

import pytest

from meetup_engine.unit_tests.mutation.sites import Body


def mutants(sql: str) -> set[tuple[str, str]]:
    body = Body(sql)
    return {(key.step, body.mutated(key)) for key in body.mutants}


@pytest.mark.parametrize(
    ("sql", "step", "mutant"),
    [
        ("SELECT a FROM t WHERE a < 1", "comparison", "SELECT a FROM t WHERE a <= 1"),
        ("SELECT a FROM t WHERE a = 1 AND b = 2", "filter dropped", "SELECT a FROM t WHERE a = 1 AND TRUE"),
        ("SELECT a FROM t WHERE a", "filter negated", "SELECT a FROM t WHERE NOT (a)"),
        ("SELECT a FROM t LEFT JOIN u ON t.x = u.x", "join kind", "SELECT a FROM t INNER JOIN u ON t.x = u.x"),
        ("SELECT a FROM t LEFT JOIN u USING (x)", "join kind", "SELECT a FROM t INNER JOIN u USING (x)"),
        ("SELECT a OR b FROM t", "logic", "SELECT a AND b FROM t"),
        ("SELECT COALESCE(a, 0) FROM t", "coalesce default", "SELECT a FROM t"),
        ("SELECT a IS NULL FROM t", "null handling", "SELECT NOT a IS NULL FROM t"),
        ("SELECT MIN(a) FROM t", "aggregate", "SELECT MAX(a) FROM t"),
        ("SELECT COUNT(a) FROM t", "aggregate", "SELECT COUNT(*) FROM t"),
        ("SELECT COUNT(DISTINCT a) FROM t", "distinct", "SELECT COUNT(a) FROM t"),
        ("SELECT DISTINCT a FROM t", "distinct", "SELECT a FROM t"),
        ("SELECT 1 FROM t LIMIT 5", "filter dropped", "SELECT 1 FROM t"),
        ("SELECT 7 FROM t", "constant", "SELECT 8 FROM t"),
        ("SELECT 'x' FROM t", "constant", "SELECT 'x?' FROM t"),
        ("SELECT TRUE FROM t", "constant", "SELECT FALSE FROM t"),
        ("SELECT a + b FROM t", "arithmetic", "SELECT a - b FROM t"),
        ("SELECT GREATEST(a, b) FROM t", "arithmetic", "SELECT LEAST(a, b) FROM t"),
        ("SELECT CASE WHEN a THEN b ELSE c END FROM t", "case branch", "SELECT c FROM t"),
        ("SELECT CASE WHEN a THEN b ELSE c END FROM t", "case branch", "SELECT CASE WHEN a THEN b END FROM t"),
        ("SELECT a FROM t UNION ALL SELECT a FROM u", "distinct", "SELECT a FROM t UNION SELECT a FROM u"),
        ("SELECT CAST(a * b AS INT) FROM t", "dialect: rounding", "SELECT CAST(TRUNC(a * b) AS INT) FROM t"),
        ("SELECT a / b FROM t", "dialect: integer division", "SELECT TRUNC(a / b) FROM t"),
    ],
)
def test_a_step_changes_one_thing(sql: str, step: str, mutant: str) -> None:
    assert (step, mutant) in mutants(sql)


@pytest.mark.parametrize("sql", ["SELECT a FROM t CROSS JOIN u", "SELECT a FROM t", "SELECT CAST(a AS INT) FROM t"])
def test_sql_with_nothing_to_change_has_no_mutants(sql: str) -> None:
    assert mutants(sql) == set()


def test_creating_a_mutant_does_not_change_the_model() -> None:
    body = Body("SELECT MIN(a) + 1 FROM t WHERE b < 2 ORDER BY c LIMIT 3")
    before = body.text
    for key in body.mutants:
        assert body.mutated(key) != before
        assert body._sql() == before


def test_equal_places_are_distinguished_by_their_number_and_cte() -> None:
    body = Body("WITH x AS (SELECT a < 1 AS one FROM t) SELECT a < 1, a < 1 FROM x")
    keys = [(key.part, key.repeat) for key in body.mutants if key.step == "comparison"]
    assert sorted(keys) == [("", 1), ("", 2), ("x", 1)]


def test_renderings_with_other_constants_have_the_same_mutants() -> None:
    one, other = Body("SELECT a FROM t WHERE b < 10"), Body("SELECT a FROM t WHERE b < 99")
    assert list(one.mutants) != list(other.mutants)
    other.named_as(one)
    assert list(one.mutants) == list(other.mutants)


def test_other_renderings_keep_their_own_mutants() -> None:
    one, other = Body("SELECT a FROM t WHERE b < 10"), Body("SELECT a FROM t WHERE b < 10 AND c")
    keys = list(other.mutants)
    other.named_as(one)
    assert list(other.mutants) == keys


def test_the_diff_names_the_step() -> None:
    body = Body("SELECT MIN(a) FROM t")
    key = next(key for key in body.mutants if key.step == "aggregate")
    assert body.diff(key, "model").split("\n")[:2] == ["--- model", "+++ model (aggregate)"]
