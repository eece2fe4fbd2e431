"""Finds what no unit test covers: models without one, columns that none expects, CASE branches that no row takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import duckdb
import sqlglot
from dbt_common.exceptions import DbtBaseException
from sqlglot import exp

from meetup_engine.dbt_patches.cte_injection import inject_ctes_into_sql
from meetup_engine.project.names import called
from meetup_engine.timing import ms_since
from meetup_engine.unit_tests.mutation.mutants import Tests, Trial, trials_of
from meetup_engine.unit_tests.mutation.sites import part_of, sql_of

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition

    from meetup_engine.protocol.messages import CoverageAnswer, CoveredModel
    from meetup_engine.unit_tests.runner import UnitTestRunner

# The CTE, the branch, and its number among equal ones.
_Branch = tuple[str, str, int]

# DuckDB evaluates a branch only for the rows that take it.
_REACHED = "meetup: this branch is reached"


def coverage_of(runner: UnitTestRunner, node: ManifestNode, tests: Sequence[UnitTestDefinition]) -> CoveredModel:
    """A model's coverage in the protocol's format."""
    answer: CoveredModel = {
        "model": called(node),
        "file": node.original_file_path,
        "fixtures": len(tests),
        "columns": 0,
        "unexpectedColumns": [],
        "branches": 0,
        "unreachedBranches": [],
    }
    try:
        columns = [name for name, _ in runner.columns.described(node)]
        trials = trials_of(runner, tests, node)
    except (DbtBaseException, duckdb.Error, sqlglot.errors.SqlglotError) as error:
        return {**answer, "reason": f"The SQL can't be analysed: {error}"}
    answer["columns"] = len(columns)
    if isinstance(trials, str):
        answer["unexpectedColumns"] = columns
        if tests:
            answer["reason"] = trials
        return answer
    expected = {name for test in tests for name in _expected(test, columns)}
    reached: dict[_Branch, bool] = {}
    for trial in trials:
        _reach(trial, runner.new_cursor(), reached)
    return {
        **answer,
        "unexpectedColumns": [name for name in columns if name.lower() not in expected],
        "branches": len(reached),
        "unreachedBranches": [{"part": part, "branch": text} for (part, text, _), hit in reached.items() if not hit],
    }


def _expected(test: UnitTestDefinition, columns: Sequence[str]) -> list[str]:
    rows = test.expect.rows
    if not isinstance(rows, list):
        return [name.lower() for name in columns]
    return [name.lower() for row in rows for name in row]


def _reach(trial: Trial, cursor: duckdb.DuckDBPyConnection, reached: dict[_Branch, bool]) -> None:
    """Records which of the branches that are still uncovered are reached by a fixture of this rendering of the model."""
    seen: dict[tuple[str, str], int] = {}
    for node in trial.body.nodes(exp.Case):
        for branch, result in _branches(node):
            same = (part_of(node), branch)
            seen[same] = seen.get(same, 0) + 1
            key = (*same, seen[same])
            if not reached.get(key):
                reached[key] = bool(trial.name) and _is_reached(trial, result, cursor)


def _branches(case: exp.Case) -> Iterator[tuple[str, exp.Expr]]:
    operand = f"{sql_of(case.this)} = " if case.this is not None else ""
    for branch in case.args["ifs"]:
        yield f"when {operand}{sql_of(branch.this)}", branch.args["true"]
    if case.args.get("default") is not None:
        yield f"else {sql_of(case.args['default'])}", case.args["default"]


def _is_reached(trial: Trial, result: exp.Expr, cursor: duckdb.DuckDBPyConnection) -> bool:
    trap = exp.Anonymous(this="error", expressions=[exp.Literal.string(_REACHED)])
    # With the branch's type, because a CASE that can only be null isn't evaluated.
    sql = trial.body.with_other(result, exp.Coalesce(this=trap, expressions=[result.copy()]))
    try:
        cursor.execute(inject_ctes_into_sql(sql, trial.ctes)).fetchall()
    except duckdb.Error as error:
        return _REACHED in str(error)
    return False


def operation(runner: UnitTestRunner, nodes: Mapping[str, ManifestNode], tests: Tests) -> CoverageAnswer:
    """The engine's operation `coverage`."""
    started = time.perf_counter()
    with runner.lent():
        models = [coverage_of(runner, node, tests.get(unique_id, [])) for unique_id, node in nodes.items()]
    ms = {"total": ms_since(started)}
    return {"status": "pass", "problems": [], "models": models, "ms": ms}
