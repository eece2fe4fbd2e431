"""What of the models no fixture reaches: models without one, columns that none expects, branches of CASE that no row takes."""

import time

import duckdb
import sqlglot
from dbt.compilation import inject_ctes_into_sql
from dbt_common.exceptions import DbtBaseException
from sqlglot import exp

from meetup_engine.unit_tests.mutation.mutants import trials_of
from meetup_engine.unit_tests.mutation.sites import sql_of, part_of

# DuckDB evaluates a branch for the rows that take it, and for those only.
_REACHED = "meetup: this branch is reached"


def coverage_of(runner, node, tests):
    """One model's coverage, as the protocol says it."""
    told = {"model": node.name, "file": node.original_file_path, "fixtures": len(tests)}
    nothing = {"columns": 0, "unexpectedColumns": [], "branches": 0, "unreachedBranches": []}
    try:
        columns = [name for name, _ in runner.columns.described(node)]
        trials = trials_of(runner, tests, node)
    except (DbtBaseException, duckdb.Error, sqlglot.errors.SqlglotError) as error:
        return {**told, **nothing, "reason": f"It can't be looked into: {error}"}
    if isinstance(trials, str):
        return {**told, **nothing, "columns": len(columns), "unexpectedColumns": columns, **({"reason": trials} if tests else {})}
    expected = {name for test in tests for name in _expected(test, columns)}
    reached = {}
    for trial in trials:
        _reach(trial, runner.new_cursor(), reached)
    return {
        **told,
        "columns": len(columns),
        "unexpectedColumns": [name for name in columns if name.lower() not in expected],
        "branches": len(reached),
        "unreachedBranches": [{"part": part, "branch": text} for (part, text, _), hit in reached.items() if not hit],
    }


def _expected(test, columns):
    rows = test.expect.rows
    if not isinstance(rows, list):
        return [name.lower() for name in columns]
    return [name.lower() for row in rows for name in row]


def _reach(trial, cursor, reached):
    """Notes which branches of this rendering of the model a fixture reaches, of those that none has reached so far."""
    seen = {}
    for node in trial.body.nodes(exp.Case):
        for branch, result in _branches(node):
            same = (part_of(node), branch)
            seen[same] = seen.get(same, 0) + 1
            key = (*same, seen[same])
            if not reached.get(key):
                reached[key] = bool(trial.name) and _is_reached(trial, result, cursor)


def _branches(case):
    operand = f"{sql_of(case.this)} = " if case.this is not None else ""
    for branch in case.args["ifs"]:
        yield f"when {operand}{sql_of(branch.this)}", branch.args["true"]
    if case.args.get("default") is not None:
        yield f"else {sql_of(case.args['default'])}", case.args["default"]


def _is_reached(trial, result, cursor):
    trap = exp.Anonymous(this="error", expressions=[exp.Literal.string(_REACHED)])
    # Of the branch's own type: a CASE that can only be null would not be evaluated.
    sql = trial.body.with_other(result, exp.Coalesce(this=trap, expressions=[result.copy()]))
    try:
        cursor.execute(inject_ctes_into_sql(sql, trial.ctes)).fetchall()
    except duckdb.Error as error:
        return _REACHED in str(error)
    return False


def operation(runner, nodes, tests):
    """The engine's operation `coverage`."""
    started = time.perf_counter()
    with runner.lent():
        models = [coverage_of(runner, node, tests.get(unique_id, [])) for unique_id, node in nodes.items()]
    ms = {"total": round((time.perf_counter() - started) * 1000)}
    return {"status": "pass", "problems": [], "models": models, "ms": ms}
