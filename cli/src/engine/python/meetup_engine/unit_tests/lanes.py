"""Runs the statements of fixtures side by side, on connections that know their plans."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from meetup_engine.unit_tests.plans import Plans

LANES = 2


class UnderWay:
    """One fixture on its way from compiling to its verdict."""

    def __init__(self, test):
        self.test = test
        self.compiled = None
        self.statement = None
        # Names, types and rows of what the statement gave.
        self.result = None
        self.error = None
        self.ms = 0
        self.compile_ms = 0

    @contextlib.contextmanager
    def timed(self):
        """What is done in it counts as this fixture's own time."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.ms += (time.perf_counter() - started) * 1000


class Lanes:
    """As many connections as small machines have cores. DuckDB works without Python's lock."""

    def __init__(self, database):
        self._lanes = [Lane(database.cursor()) for _ in range(LANES)]
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="fixtures")
        # A statement stays in its lane, which has its plan.
        self._lane_of = {}

    def run(self, begun, is_cancelled):
        """Gives each its `result` or its `error`."""
        shares = [[] for _ in self._lanes]
        for one in begun:
            number = self._lane_of.setdefault(one.statement, len(self._lane_of) % LANES)
            shares[number].append(one)
        busy = [(lane, share) for lane, share in zip(self._lanes, shares) if share]
        if len(busy) == 1:
            busy[0][0].run(busy[0][1], is_cancelled)
        else:
            list(self._pool.map(lambda item: item[0].run(item[1], is_cancelled), busy))

    def interrupt(self):
        """Ends the statements that run now with an error. May be called from any thread."""
        for lane in self._lanes:
            lane.interrupt()

    def close(self):
        self._pool.shutdown()


class Lane:
    """One connection, used by one thread at a time."""

    def __init__(self, cursor):
        self._cursor = cursor
        self._plans = Plans(cursor)

    def interrupt(self):
        self._cursor.interrupt()

    def run(self, share, is_cancelled):
        for one in share:
            if is_cancelled():
                return
            with one.timed():
                try:
                    one.result = fetched(self._cursor, self._plans.execute, one.statement)
                except Exception as error:  # noqa: BLE001 - DuckDB's errors are the model's or the fixture's
                    one.error = error


def fetched(cursor, execute, statement):
    """Names of the columns, their types, and rows of typed values."""
    execute(statement)
    try:
        # Python's moments have no nanoseconds, and end with the year 9999.
        rows = None if any("_NS" in str(column[1]).upper() for column in cursor.description) else cursor.fetchall()
    except (ValueError, OverflowError):
        rows = None
    if rows is None:
        rows = cursor.execute(f"select cast(columns(*) as varchar) from (\n{statement}\n)").fetchall()
    names, types = zip(*((column[0], column[1]) for column in cursor.description))
    return names, types, rows
