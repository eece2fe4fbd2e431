"""
Runs statements that the engine logged (MEETUP_STATEMENT_LOG) on DuckDB alone, and prints as JSON how long those of each save take:
the wall clock and the processor time, as medians in milliseconds.

    python duckdb_alone.py DATABASE LOG TIMES [FROM TO]…

DATABASE is a copy of the working database. It is open the whole time, as are all databases in memory. FROM and TO are offsets of the
log in bytes between which the statements of one save are. Those that belong to a model, its data tests or its unit tests are timed, with
all of their results fetched; the engine's own statements are left out. What an earlier save prepared in memory is prepared here too,
untimed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass, field

import duckdb

WORKING = "working"


@dataclass(frozen=True)
class Statement:
    """One line of the log, and its offset."""

    at: int
    node: str | None
    database: str
    connection: int
    sql: str


@dataclass
class Replay:
    """The connections of the engine, on databases of its own."""

    working: duckdb.DuckDBPyConnection
    memory: dict[str, duckdb.DuckDBPyConnection] = field(default_factory=dict)
    connections: dict[tuple[str, int], duckdb.DuckDBPyConnection] = field(default_factory=dict)

    def run(self, statement: Statement) -> None:
        self._connection(statement).execute(statement.sql).fetchall()

    def _connection(self, statement: Statement) -> duckdb.DuckDBPyConnection:
        # Each node has a connection of its own, because two of them may be in transactions at the same time.
        key = (statement.database, statement.connection)
        if key not in self.connections:
            self.connections[key] = cursor = self._database(statement.database).cursor()
            cursor.execute("set TimeZone = 'UTC'")  # as in profiles.yml
        return self.connections[key]

    def _database(self, name: str) -> duckdb.DuckDBPyConnection:
        if name == WORKING:
            return self.working
        if name not in self.memory:
            self.memory[name] = duckdb.connect(":memory:")
        return self.memory[name]


def main() -> None:
    database, path, times, *offsets = sys.argv[1:]
    saves = list(zip(map(int, offsets[::2]), map(int, offsets[1::2]), strict=True))
    statements = read(path)
    replay = Replay(duckdb.connect(database))
    done = 0
    figures = []
    for begin, end in saves:
        for statement in statements:
            if done <= statement.at < begin and statement.database != WORKING:
                replay.run(statement)
        done = end
        timed = [statement for statement in statements if begin <= statement.at < end and statement.node is not None]
        once = [statement for statement in timed if statement.database != WORKING and prepares(statement.sql)]
        again = [statement for statement in timed if statement not in once]
        before = measure(replay, once)
        runs = [measure(replay, again) for _ in range(int(times))]
        wall, cpu = (before[at] + statistics.median(run[at] for run in runs) for at in (0, 1))
        figures.append({"ms": wall, "cpuMs": cpu, "statements": len(timed)})
    print(json.dumps(figures))


def read(path: str) -> list[Statement]:
    statements = []
    at = 0
    with open(path, "rb") as file:
        for line in file:
            entry = json.loads(line)
            if not entry["failed"]:
                statements.append(Statement(at, entry["node"], entry["database"], entry["connection"], entry["sql"]))
            at += len(line)
    return statements


def prepares(sql: str) -> bool:
    """Whether a statement can be run only once: it makes what later ones use."""
    return sql.lstrip().lower().startswith(("prepare ", "attach ", "create ", "deallocate ", "detach ", "set "))


def measure(replay: Replay, statements: list[Statement]) -> tuple[float, float]:
    started, cpu = time.perf_counter(), time.process_time()
    for statement in statements:
        replay.run(statement)
    return (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000


if __name__ == "__main__":
    main()
