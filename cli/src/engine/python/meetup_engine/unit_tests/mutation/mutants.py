"""Runs each mutant of a model against the model's fixtures until one of them fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import duckdb
import sqlglot
from dbt_common.exceptions import DbtBaseException

from meetup_engine.dbt_patches.cte_injection import inject_ctes_into_sql
from meetup_engine.project.names import called
from meetup_engine.protocol.cancelling import Cancelled
from meetup_engine.timing import ms_since
from meetup_engine.unit_tests.comparing import compare
from meetup_engine.unit_tests.mutation.sites import Body, Key

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition

    from meetup_engine.protocol.messages import Mutant, MutatedModel, MutationAnswer
    from meetup_engine.protocol.wire import Request
    from meetup_engine.unit_tests.runner import UnitTestRunner

Tests = Mapping[str, Sequence["UnitTestDefinition"]]

# Mutants that are not valid SQL don't count.
_NO_SQL = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.NotImplementedException)
# A mutant that takes this long (seconds) on a few rows counts as noticed.
PATIENCE = 5
THREADS = 2


@dataclass(frozen=True)
class Cte:
    """Like dbt's, with the rows read from a table."""

    sql: str


@dataclass(frozen=True)
class Trial:
    """One unit test of the model: the statement around the model's SQL, and that SQL, parsed."""

    name: str
    head: str
    ctes: list[Cte]
    tail: str
    body: Body

    def statement(self, sql: str) -> str:
        """The test's statement with this SQL as the model."""
        return self.head + inject_ctes_into_sql(sql, self.ctes) + self.tail


@dataclass
class Verdict:
    """The outcome for a model's mutants."""

    model: str
    file: str
    fixtures: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    invalid: int = 0
    total: int = 0
    # Mutants that no test noticed; equivalent ones are removed at the end.
    unnoticed: list[Key] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    equivalent: list[Mutant] = field(default_factory=list)
    # Why the model wasn't mutated, if so.
    reason: str | None = None


def mutate(
    runner: UnitTestRunner,
    nodes: Mapping[str, ManifestNode],
    tests: Tests,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> list[Verdict]:
    """
    Mutates models. `nodes`: by unique id; `tests`: by the unique id of their model; `say` receives a line of progress;
    `cancelled` is checked between mutants.
    """
    verdicts: list[Verdict] = []
    work: list[tuple[Verdict, list[Trial]]] = []
    for unique_id, node in nodes.items():
        verdict = Verdict(called(node), node.original_file_path)
        verdicts.append(verdict)
        try:
            trials = trials_of(runner, tests.get(unique_id, []), node)
        except (DbtBaseException, duckdb.Error, sqlglot.errors.SqlglotError) as error:
            verdict.reason = f"It can't be mutated: {error}"
            continue
        if isinstance(trials, str):
            verdict.reason = trials
            continue
        verdict.fixtures = len(tests.get(unique_id, []))
        work.append((verdict, trials))
    # The largest models first, so that no thread has to finish one alone.
    work.sort(key=lambda item: -len(item[1][0].body.mutants) * len(item[1]))
    done: Counter[str] = Counter()

    def take(item: tuple[Verdict, list[Trial]]) -> None:
        verdict, trials = item
        _run_model(verdict, trials, runner.new_cursor(), cancelled)
        done["models"] += 1
        killed = sum(verdict.killed.values())
        say(f"{done['models']}/{len(work)} models mutated; {verdict.model}: {killed} of {verdict.total} killed")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(take, work))
    with runner.without_statistics() as cursor:
        for verdict, trials in work:
            _set_equivalent_apart(verdict, trials, cursor)
    return verdicts


def trials_of(runner: UnitTestRunner, tests: Iterable[UnitTestDefinition], node: ManifestNode) -> list[Trial] | str:
    """The model's unit tests, which have to pass on the unmodified model, or the reason why it can't be mutated."""
    bodies: dict[str, Body] = {}
    trials: list[Trial] = []
    for test in tests:
        compiled = runner.compiled(test)
        head, found, _ = compiled.statement.partition(compiled.code)
        if not found:
            return "dbt's statement for its fixtures is not understood."
        if compiled.body not in bodies:
            body = bodies[compiled.body] = Body(compiled.body)
            body.named_as(next(iter(bodies.values())))
        ctes = [Cte(runner.tables.cte(cte)) for cte in compiled.ctes]
        trials.append(Trial(test.name, head, ctes, runner.tables.tail(compiled), bodies[compiled.body]))
    if not trials:
        # No test can notice anything.
        body = Body(runner.compiled_model(node))
        return [Trial("", "", [], "", body)] if body.mutants else "There is nothing in it to change."
    for trial in trials:
        result = runner.rows(trial.statement(trial.body.text))
        if compare(result.names, result.rows) is not None:
            return f"Its fixture {trial.name} fails before anything is changed."
    return trials


def _run_model(
    verdict: Verdict,
    trials: Sequence[Trial],
    cursor: duckdb.DuckDBPyConnection,
    cancelled: Callable[[], bool],
) -> None:
    keys = dict.fromkeys(key for trial in trials for key in trial.body.mutants)
    verdict.total = len(keys)
    kills: Counter[str] = Counter()
    for key in keys:
        if cancelled():
            raise Cancelled()
        outcome = None
        # The test that has noticed the most mutants goes first.
        for trial in sorted(trials, key=lambda trial: -kills[trial.name]):
            if not trial.name or key not in trial.body.mutants:
                continue
            outcome = _outcome(trial, key, cursor)
            if outcome is not None:
                kills[trial.name] += outcome == "killed"
                break
        if outcome == "invalid":
            verdict.invalid += 1
        elif outcome == "killed":
            verdict.killed[key.step] += 1
        else:
            verdict.unnoticed.append(key)
    verdict.total -= verdict.invalid


def _outcome(trial: Trial, key: Key, cursor: duckdb.DuckDBPyConnection) -> Literal["killed", "invalid"] | None:
    """How a test noticed a mutant; None if it didn't."""
    late = threading.Timer(PATIENCE, cursor.interrupt)
    late.start()
    try:
        cursor.execute(trial.statement(trial.body.mutated(key)))
        names = [column[0] for column in cursor.description]
        return "killed" if compare(names, cursor.fetchall()) is not None else None
    except _NO_SQL:
        return "invalid"
    except (duckdb.Error, ValueError, OverflowError, sqlglot.errors.SqlglotError):
        return "killed"
    finally:
        late.cancel()


def _set_equivalent_apart(verdict: Verdict, trials: Sequence[Trial], cursor: duckdb.DuckDBPyConnection) -> None:
    """Removes equivalent survivors: those that DuckDB optimizes to the same plan as the model itself, for every test."""
    plans: dict[tuple[str, str], object] = {}
    for key in verdict.unnoticed:
        having = [trial for trial in trials if key in trial.body.mutants]
        same = bool(having) and all(
            trial.name
            and _plan(trial, trial.body.mutated(key), cursor, plans) == _plan(trial, trial.body.text, cursor, plans)
            for trial in having
        )
        (verdict.equivalent if same else verdict.survivors).append(_described(verdict.model, having[0], key))


def _plan(trial: Trial, sql: str, cursor: duckdb.DuckDBPyConnection, plans: dict[tuple[str, str], object]) -> object:
    """The complete optimized plan, since EXPLAIN truncates it. If there is none, the result equals no other plan."""
    if (trial.name, sql) not in plans:
        # Only the model's plan, because the test decides which of its columns are compared.
        statement = inject_ctes_into_sql(sql, trial.ctes)
        ask = "select cast(json_serialize_plan(?, optimize := true) as varchar)"
        row = cursor.execute(ask, [statement]).fetchone()
        plan = str(row[0]) if row is not None else ""
        plans[(trial.name, sql)] = object() if not plan or plan.startswith('{"error":true') else plan
    return plans[(trial.name, sql)]


def _described(model: str, trial: Trial, key: Key) -> Mutant:
    return {
        "step": key.step,
        "part": key.part,
        "before": key.before,
        "after": key.after,
        "diff": trial.body.diff(key, model),
    }


def answer_of(verdict: Verdict) -> MutatedModel:
    """A model's verdict in the protocol's format."""
    answer: MutatedModel = {
        "model": verdict.model,
        "file": verdict.file,
        "fixtures": verdict.fixtures,
        "mutants": verdict.total,
        "killed": sum(verdict.killed.values()),
        "equivalent": verdict.equivalent,
        "survivors": verdict.survivors,
    }
    if verdict.reason:
        answer["reason"] = verdict.reason
    return answer


def operation(
    runner: UnitTestRunner, nodes: Mapping[str, ManifestNode], tests: Tests, request: Request
) -> MutationAnswer:
    """The engine's operation `mutate`."""
    started = time.perf_counter()

    def say(line: str) -> None:
        request.event({"event": "log", "level": "info", "name": "Mutation", "message": line})

    with runner.lent():
        verdicts = mutate(runner, nodes, tests, say, lambda: request.cancelled)
    return {
        "status": "pass",
        "problems": [],
        "models": [answer_of(verdict) for verdict in verdicts],
        "ms": {"total": ms_since(started)},
    }
