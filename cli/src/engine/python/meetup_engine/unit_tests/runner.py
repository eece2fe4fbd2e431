"""Runs dbt's unit tests in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dbt.adapters.factory import get_adapter
from dbt.flags import set_flags
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.build.runners import identity
from meetup_engine.lru_cache import LruCache
from meetup_engine.protocol import problems
from meetup_engine.protocol.cancelling import Cancelled
from meetup_engine.unit_tests import writing
from meetup_engine.unit_tests.columns import ColumnFinder
from meetup_engine.unit_tests.comparing import compare, of_lost
from meetup_engine.unit_tests.compiling import Compiled, UnitTestFailed, compile_unit_test
from meetup_engine.unit_tests.literals import LostCell, lost_in_cast
from meetup_engine.unit_tests.memory import MemoryDatabase
from meetup_engine.unit_tests.places import place_of
from meetup_engine.unit_tests.pool import Pool, Result, Run, fetched
from meetup_engine.unit_tests.tables import FixtureTables

if TYPE_CHECKING:
    import duckdb
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.impl import DuckDBAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition

    from meetup_engine.build.contents import Columns
    from meetup_engine.build.fingerprints import Fingerprints
    from meetup_engine.project.project import Project
    from meetup_engine.protocol.messages import Difference, NodeResult, Problem, SourceColumns

# Optimizers whose plans depend on the few rows of a unit test. The others only rearrange equal parts, and produce plans that
# DuckDB can't serialize.
_STATISTICAL = (
    "statistics_propagation,join_order,build_side_probe_side,unused_columns,column_lifetime,"
    "common_subexpressions,compressed_materialization,late_materialization"
)


class UnitTestCache:
    """A session's cache for unit tests between requests."""

    def __init__(self, session: Project, config: RuntimeConfig) -> None:
        self.config_seen = session.config
        self.database = MemoryDatabase(cast("DuckDBCredentials", config.credentials))
        self.columns_known: LruCache[Hashable, Columns] = LruCache(4096)
        self.compiled: LruCache[Hashable, Compiled] = LruCache(4096)
        self.lost: dict[Hashable, list[LostCell]] = {}
        self.cursor = self.database.cursor()
        self.pool = Pool(self.database)
        self.tables = FixtureTables(self.cursor)
        self.overridden = True
        self._fingerprints: Fingerprints | None = None
        self._generation: int | None = None

    def fingerprints(self, session: Project, config: RuntimeConfig) -> Fingerprints:
        # A partial parse modifies the manifest in place.
        if self._fingerprints is None or self._generation != session.generation:
            self._fingerprints = fingerprints_of(session, session.manifest, config)
            self._generation = session.generation
            self.overridden = writing.is_overridden(session.manifest)
        return self._fingerprints

    def close(self) -> None:
        self.pool.close()
        self.database.close()


_caches: dict[Project, UnitTestCache] = {}


def cache_of(session: Project, config: RuntimeConfig) -> UnitTestCache:
    """The session's cache, which is renewed when its configuration has changed."""
    cache = _caches.get(session)
    if cache is None or cache.config_seen is not session.config:
        if cache is not None:
            cache.close()
        cache = _caches[session] = UnitTestCache(session, config)
        while len(_caches) > 3:
            _caches.pop(next(iter(_caches))).close()
    return cache


def interrupt() -> None:
    """Interrupts the running unit tests, if any. Any thread may call this."""
    for cache in list(_caches.values()):
        cache.pool.interrupt()


class UnitTestRunner:
    """Runs unit tests of one manifest. Use it inside the context of `lent`."""

    def __init__(self, session: Project, sources: SourceColumns) -> None:
        self._session = session
        flags = session.flags("test", ["--no-write-json", "--no-populate-cache"])
        set_flags(flags)
        self._config = session.run_config(flags)
        self.adapter = cast("DuckDBAdapter", get_adapter(self._config))
        self._cache = cache_of(session, self._config)
        self._fingerprints = self._cache.fingerprints(session, self._config)
        self._overridden = self._cache.overridden
        self.columns = ColumnFinder(
            session,
            self._config,
            self.adapter,
            self._cache.database,
            self._fingerprints,
            sources,
            self._cache.columns_known,
        )

    def lent(self) -> contextlib.AbstractContextManager[None]:
        """A context in which dbt uses the database in memory."""
        return self._cache.database.in_place_of(self.adapter, self.columns.of_relation)

    def compiled(self, test: UnitTestDefinition) -> Compiled:
        """The test's statement, from the cache if nothing that it depends on has changed."""
        tested = test.depends_on.nodes[0]
        key = self._key(test, tested)
        compiled = self._cache.compiled.get(key) if key else None
        if compiled is None:
            if key is None:
                # Its templates may query any relation that it reads.
                self.columns.place_inputs(tested)
            compiled = compile_unit_test(
                test, self._session.manifest, self._config, self.adapter, self._cache.cursor, self._overridden
            )
            if key:
                self._cache.compiled.put(key, compiled)
        return compiled

    @property
    def tables(self) -> FixtureTables:
        """The rows of unit tests as tables."""
        return self._cache.tables

    def new_cursor(self) -> duckdb.DuckDBPyConnection:
        """A new connection for another thread."""
        return self._cache.database.cursor()

    @contextlib.contextmanager
    def without_statistics(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection whose plans depend on the SQL, not on the few rows of a unit test."""
        cursor = self._cache.database.cursor()
        cursor.execute(f"set disabled_optimizers = '{_STATISTICAL}'")
        try:
            yield cursor
        finally:
            cursor.execute("reset disabled_optimizers")

    def compiled_model(self, node: ManifestNode) -> str:
        """The compiled SQL of a model that has no unit test, on empty inputs."""
        self.columns.place_inputs(node.unique_id)
        return self.columns.compiled(node)

    def run(self, test: UnitTestDefinition) -> NodeResult:
        """Runs one test and returns its verdict in the protocol's format."""
        return self.run_all([test])[0]

    def run_all(
        self, tests: Sequence[UnitTestDefinition], is_cancelled: Callable[[], bool] = lambda: False
    ) -> list[NodeResult]:
        """Runs tests and returns their verdicts in order. dbt compiles them one at a time; the database runs them in parallel."""
        runs = []
        for test in tests:
            if is_cancelled():
                raise Cancelled()
            runs.append(self._compiled_run(test))
        self._cache.pool.run(runs, is_cancelled)
        if is_cancelled():
            raise Cancelled()
        return [self._verdict(run) for run in runs]

    def rows(self, statement: str) -> Result:
        """Runs a statement on the session's own connection."""
        return fetched(self._cache.cursor, self._cache.cursor.execute, statement)

    def _compiled_run(self, test: UnitTestDefinition) -> Run:
        run = Run(test)
        with run.timed():
            try:
                run.compiled = self.compiled(test)
                run.statement = self._cache.tables.instead_of_rows(run.compiled)
            except Exception as error:  # noqa: BLE001 - dbt's and DuckDB's errors are caused by the model or the test
                run.error = error
        run.compile_ms = run.ms
        return run

    def _verdict(self, run: Run) -> NodeResult:
        difference = None
        with run.timed():
            try:
                difference = None if run.error else self._difference(run)
            except Exception as error:  # noqa: BLE001 - values that can't be compared are the test's fault
                run.error = error
        verdict: NodeResult = {
            **identity(run.test),
            "model": run.test.model,
            "ms": round(run.ms, 2),
            "status": "pass",
            "message": None,
        }
        if run.error is not None:
            return self._failed(verdict, run, run.error)
        verdict["compileMs"] = round(run.compile_ms, 2)
        if difference is not None:
            line, rows = place_of(run.test, self._session.settings.project_dir)
            for shown in (*difference["missing"], *difference["differing"]):
                row = shown.pop("row", None)
                shown["line"] = rows[row] if row is not None and row < len(rows) else None
            verdict["status"] = "fail"
            verdict["line"] = line
            verdict["difference"] = difference
        return verdict

    def _difference(self, run: Run) -> Difference | None:
        if run.result is None or run.compiled is None:
            raise RuntimeError(f"{run.test.name} was not run.")
        names, rows = run.result.names, run.result.rows
        found = compare(names, rows)
        if found is not None:
            return found
        # All rows are as expected, or only seem so because a cast changed the expected values.
        by_name = {name.lower(): str(data_type) for name, data_type in zip(names, run.result.types, strict=True)}
        key = (run.compiled.statement, tuple(by_name.items()))
        if key not in self._cache.lost:
            self._cache.lost[key] = lost_in_cast(run.test, by_name, self._cache.database.cursor())
        return of_lost(names, rows, self._cache.lost[key])

    def _key(self, test: UnitTestDefinition, tested: str) -> Hashable | None:
        fingerprint = self._fingerprints.of(test.unique_id)
        if fingerprint is None or not self._fingerprints.renders_the_same(tested):
            return None
        inputs = self._session.manifest.nodes[tested].depends_on_nodes
        itself = [tested] if any(given.input.strip() == "this" for given in test.given) else []
        return (fingerprint, tuple(self.columns.of(unique_id) for unique_id in (*inputs, *itself)))

    def _failed(self, verdict: NodeResult, run: Run, error: Exception) -> NodeResult:
        """The verdict of a test that couldn't be compiled, run or compared."""
        code = run.compiled.statement if run.compiled is not None else getattr(error, "compiled_code", None)
        if isinstance(error, DbtBaseException):
            message = problems.text_of(error)
            reason = problems.text_of(error.reason if isinstance(error, UnitTestFailed) else error)
        else:
            message = reason = str(error)
        line, _ = place_of(run.test, self._session.settings.project_dir)
        problem = self._problem(run.test, message, reason, code, line)
        return {**verdict, "status": "error", "message": message, "problem": problem, "line": line}

    def _problem(
        self, test: UnitTestDefinition, message: str, reason: str, code: str | None, line: int | None
    ) -> Problem:
        project_dir = self._session.settings.project_dir
        tested = self._session.manifest.nodes[test.depends_on.nodes[0]]
        place = _Place(tested.original_file_path, getattr(tested, "raw_code", ""), code)
        problem = problems.node_problem(place, reason, project_dir)
        if problem["kind"] != "database" or problem["line"] is None:
            problem = problems.node_problem(place, message, project_dir)
            problem["file"], problem["line"] = test.original_file_path, line
        return problem


@dataclass(frozen=True)
class _Place:
    """A unit test in the form that `problems` expects of nodes: database errors point into the model's file."""

    original_file_path: str
    raw_code: str
    compiled_code: str | None
