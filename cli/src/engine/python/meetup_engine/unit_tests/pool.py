"""Runs the statements of unit tests in parallel, on connections that cache their plans."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from meetup_engine.unit_tests.plans import Plans

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import UnitTestDefinition

    from meetup_engine.unit_tests.compiling import Compiled
    from meetup_engine.unit_tests.memory import MemoryDatabase

WORKERS = 2

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """The result of a statement: names and types of the columns, and rows of typed values."""

    names: tuple[str, ...]
    types: tuple[object, ...]
    rows: list[Row]


class Run:
    """One unit test, from compiling to its verdict."""

    def __init__(self, test: UnitTestDefinition) -> None:
        self.test = test
        self.compiled: Compiled | None = None
        self.statement: str | None = None
        self.result: Result | None = None
        self.error: Exception | None = None
        self.ms = 0.0
        self.compile_ms = 0.0

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Adds the time inside the context to this test's duration."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.ms += (time.perf_counter() - started) * 1000


class Pool:
    """A pool with as many connections as small machines have cores. DuckDB releases the GIL."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._workers = [Worker(database.cursor()) for _ in range(WORKERS)]
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="unit-tests")
        # A statement always goes to the same worker, which has cached its plan.
        self._worker_of: dict[str, int] = {}

    def run(self, runs: Iterable[Run], is_cancelled: Callable[[], bool]) -> None:
        """Runs the statements and sets the `result` or `error` of each."""
        shares: list[list[Run]] = [[] for _ in self._workers]
        for run in runs:
            if run.statement is not None:
                shares[self._worker_of.setdefault(run.statement, len(self._worker_of) % WORKERS)].append(run)
        busy = [(worker, share) for worker, share in zip(self._workers, shares, strict=True) if share]
        if len(busy) == 1:
            busy[0][0].run(busy[0][1], is_cancelled)
        else:
            list(self._threads.map(lambda item: item[0].run(item[1], is_cancelled), busy))

    def interrupt(self) -> None:
        """Interrupts the running statements. Any thread may call this."""
        for worker in self._workers:
            worker.interrupt()

    def close(self) -> None:
        self._threads.shutdown()


class Worker:
    """One connection, used by one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._plans = Plans(cursor)

    def run(self, share: Iterable[Run], is_cancelled: Callable[[], bool]) -> None:
        for run in share:
            if is_cancelled():
                return
            if run.statement is None:
                continue
            with run.timed():
                try:
                    run.result = fetched(self._cursor, self._plans.execute, run.statement)
                except Exception as error:  # noqa: BLE001 - DuckDB's errors are caused by the model or the test
                    run.error = error

    def interrupt(self) -> None:
        self._cursor.interrupt()


def fetched(cursor: duckdb.DuckDBPyConnection, execute: Callable[[str], object], statement: str) -> Result:
    """Runs a statement and fetches all rows."""
    execute(statement)
    rows: list[Row] | None
    try:
        # Python's timestamps have no nanoseconds and end in the year 9999.
        has_nanoseconds = any("_NS" in str(column[1]).upper() for column in cursor.description)
        rows = None if has_nanoseconds else cursor.fetchall()
    except (ValueError, OverflowError):
        rows = None
    if rows is None:
        rows = cursor.execute(f"select cast(columns(*) as varchar) from (\n{statement}\n)").fetchall()
    names, types = zip(*((column[0], column[1]) for column in cursor.description), strict=True)
    return Result(names, types, rows)
