"""Runs each mutant of a model against the model's fixtures, until one of them fails."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb
import sqlglot
from dbt.compilation import inject_ctes_into_sql
from dbt_common.exceptions import DbtBaseException

from meetup_engine.unit_tests.comparing import compare
from meetup_engine.unit_tests.mutation.sites import Body

# What is no SQL any more is no mutant: nobody could write it.
_NO_SQL = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.NotImplementedException)
# A mutant that takes this long on a few rows has been noticed (seconds).
PATIENCE = 5
THREADS = 2


@dataclass
class Trial:
    """One fixture of the model: its statement around the model's own SQL, and that SQL, parsed."""

    name: str
    head: str
    ctes: list
    tail: str
    body: Body

    def statement(self, sql):
        """The fixture's statement with this SQL as the model."""
        return self.head + inject_ctes_into_sql(sql, self.ctes) + self.tail


@dataclass
class Verdict:
    """What became of a model's mutants."""

    model: str
    file: str
    fixtures: int = 0
    killed: Counter = field(default_factory=Counter)
    invalid: int = 0
    total: int = 0
    survivors: list = field(default_factory=list)
    equivalent: list = field(default_factory=list)
    # Why the model has no mutants, where it has none.
    reason: str | None = None


class _Cte:
    """As dbt's own, with the rows read from a table."""

    def __init__(self, sql):
        self.sql = sql


def mutate(runner, nodes, tests, say, cancelled):
    """
    @param nodes: models by unique id, and @param tests: their unit tests by the model's unique id.
    @param say: is told one line of progress. @param cancelled: asked between mutants.
    """
    verdicts, work = [], []
    for unique_id, node in nodes.items():
        verdict = Verdict(node.name, node.original_file_path)
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
    # The largest first, so that no thread is left alone with one of them.
    work.sort(key=lambda item: -len(item[1][0].body.mutants) * len(item[1]))
    done = Counter()

    def take(item):
        verdict, trials = item
        _run_model(verdict, trials, runner.new_cursor(), cancelled)
        done["models"] += 1
        say(f"{done['models']}/{len(work)} models mutated; {verdict.model}: {sum(verdict.killed.values())} of {verdict.total} killed")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(take, work))
    with runner.without_statistics() as cursor:
        for verdict, trials in work:
            _set_equivalent_apart(verdict, trials, cursor)
    return verdicts


def trials_of(runner, tests, node):
    """The model's fixtures, which all have to pass as they are; or why it can't be mutated."""
    bodies, trials = {}, []
    for test in tests:
        compiled = runner.compiled(test)
        head, found, _ = compiled.statement.partition(compiled.code)
        if not found:
            return "dbt's statement for its fixtures is not understood."
        if compiled.body not in bodies:
            body = bodies[compiled.body] = Body(compiled.body)
            body.named_as(next(iter(bodies.values())))
        ctes = [_Cte(runner.tables.cte(cte)) for cte in compiled.ctes]
        trials.append(Trial(test.name, head, ctes, runner.tables.tail(compiled), bodies[compiled.body]))
    if not trials:
        # Whoever has no fixture has none that would notice anything.
        body = Body(runner.compiled_model(node))
        return [Trial("", "", [], "", body)] if body.mutants else "There is nothing in it to change."
    for trial in trials:
        names, rows = runner.rows(trial.statement(trial.body.text))
        if compare(names, rows) is not None:
            return f"Its fixture {trial.name} fails before anything is changed."
    return trials


def _run_model(verdict, trials, cursor, cancelled):
    keys = dict.fromkeys(key for trial in trials for key in trial.body.mutants)
    verdict.total = len(keys)
    kills = Counter()
    for key in keys:
        if cancelled():
            raise KeyboardInterrupt()
        outcome = None
        # Who has noticed most is asked first.
        for trial in sorted(trials, key=lambda one: -kills[one.name]):
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
            verdict.survivors.append(key)
    verdict.total -= verdict.invalid


def _outcome(trial, key, cursor):
    """killed, invalid, or None: the fixture does not notice it."""
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


def _set_equivalent_apart(verdict, trials, cursor):
    """A survivor that DuckDB optimises to the very plan of the model itself, for every fixture that has it."""
    survivors, verdict.survivors = verdict.survivors, []
    plans = {}
    for key in survivors:
        having = [trial for trial in trials if key in trial.body.mutants]
        same = bool(having) and all(
            trial.name
            and _plan(trial, trial.body.mutated(key), cursor, plans) == _plan(trial, trial.body.text, cursor, plans)
            for trial in having
        )
        (verdict.equivalent if same else verdict.survivors).append(_told(verdict, having[0], key))


def _plan(trial, sql, cursor, plans):
    """The optimised plan, whole: EXPLAIN leaves out what is long. Where it can't be had it is like no other."""
    if (trial.name, sql) not in plans:
        # The model alone: what is compared of it is the fixture's affair.
        statement = inject_ctes_into_sql(sql, trial.ctes)
        found = cursor.execute("select cast(json_serialize_plan(?, optimize := true) as varchar)", [statement]).fetchone()[0]
        plans[(trial.name, sql)] = object() if found.startswith('{"error":true') else found
    return plans[(trial.name, sql)]


def _told(verdict, trial, key):
    return {
        "step": key.step,
        "part": key.part,
        "before": key.before,
        "after": key.after,
        "diff": trial.body.diff(key, verdict.model),
    }


def told(verdict):
    """One model's verdict as the protocol says it."""
    killed = sum(verdict.killed.values())
    return {
        "model": verdict.model,
        "file": verdict.file,
        "fixtures": verdict.fixtures,
        "mutants": verdict.total,
        "killed": killed,
        "equivalent": verdict.equivalent,
        "survivors": verdict.survivors,
        **({"reason": verdict.reason} if verdict.reason else {}),
    }


def operation(runner, nodes, tests, request):
    """The engine's operation `mutate`."""
    started = time.perf_counter()
    say = lambda line: request.event({"event": "log", "level": "info", "name": "Mutation", "message": line})  # noqa: E731
    with runner.lent():
        verdicts = mutate(runner, nodes, tests, say, lambda: request.cancelled)
    return {
        "status": "pass",
        "problems": [],
        "models": [told(verdict) for verdict in verdicts],
        "ms": {"total": round((time.perf_counter() - started) * 1000)},
    }
