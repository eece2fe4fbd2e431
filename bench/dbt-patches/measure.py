"""
Measures the gain of each patch of dbt: the CPU time in the functions that it replaces and in their replacements,
for the same work.

    PYTHON bench/dbt-patches/measure.py STATE_DIR

STATE_DIR is a state folder after `./meetup dev`. Its database is copied. PYTHON is toolchain/python/bin/python in that
folder. The work is a full parse, another one, all unit tests, and two builds of everything.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "cli/src/engine/python"))


class Request:
    """A request without a client."""

    def __init__(self, op: str, **document: object) -> None:
        self.op = op
        self.id = 1
        self.cancelled = False
        self.document = {"op": op, **document}

    def event(self, event: object) -> None:
        """Ignores the event."""


class Clock:
    """Measures the CPU time of the calling threads within a function. Recursive calls are not counted twice."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self._inside = threading.local()

    def around(self, function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> object:
            if getattr(self._inside, "now", False):
                return function(*args, **kwargs)
            self._inside.now = True
            started = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - started
                self.calls += 1
                self._inside.now = False

        return timed

    def wrap(self, symbol: object) -> object:
        if isinstance(symbol, (classmethod, staticmethod)):
            return type(symbol)(self.around(symbol.__func__))
        if not callable(symbol):
            raise TypeError(f"{symbol!r} can't be called")
        return self.around(symbol)


def measure(state: Path, patched: bool) -> dict[str, tuple[int, float]]:
    """Runs the work in this process. Returns calls and CPU seconds by patch."""
    from meetup_engine.dbt_patches import registry

    clocks = {patch.name: Clock() for patch in registry.PATCHES if patch.replaces}
    for patch in registry.PATCHES:
        for replaced in patch.replaces:
            function = replaced.replacement if patched else replaced.symbol.resolve()
            replaced.symbol.replace(clocks[patch.name].wrap(function))
    registry.PATCHES = ()
    from meetup_engine.protocol import worker

    server: Any = SimpleNamespace(on_cancel=None, local=False)
    engine = worker.Worker(server)
    project = {
        "projectDir": str(ROOT / "dbt"),
        "profilesDir": str(ROOT / "profiles"),
        "targetPath": str(state / "target"),
        "logPath": str(state / "logs"),
        "stateDir": str(state),
        "target": "dev",
        "env": {"MEETUP_DUCKDB_PATH": str(state / "meetup.duckdb")},
    }
    fixture = next(iter(sorted((ROOT / "fixtures/models").rglob("*.yml"), key=lambda path: -path.stat().st_size)))

    def run(op: str, **document: object) -> None:
        request: Any = Request(op, **project, **document)
        answer = engine._operations[op](request)
        engine._release(clean=answer["status"] == "pass")
        if answer["status"] != "pass" and answer["status"] != "ok":
            raise SystemExit(f"{op}: {json.dumps(answer)[:2000]}")

    run("parse", full=True)
    run("parse", files=[str(fixture)], full=True)
    run("fixtures", sources=raw_columns(state / "meetup.duckdb"))
    run("affected", everything=True)
    run("affected", everything=True)
    return {name: (clock.calls, clock.seconds) for name, clock in clocks.items()}


def raw_columns(database: Path) -> dict[str, list[tuple[str, str]]]:
    """The columns of the raw tables."""
    import duckdb

    found: dict[str, list[tuple[str, str]]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        sql = "select schema_name, table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw'"
        for schema, table, column, data_type in connection.execute(sql).fetchall():
            found.setdefault(f"{schema}.{table}", []).append((column, data_type))
    return found


def measure_in_new_process(state: Path, patched: bool) -> dict[str, tuple[int, float]]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(state / "work/meetup.duckdb", Path(folder) / "meetup.duckdb")
        command = [sys.executable, __file__, "--one", folder, str(int(patched))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr[-4000:])
    measured: dict[str, tuple[int, float]] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    if sys.argv[1] == "--one":
        # dbt also prints to stdout.
        out = os.dup(1)
        os.dup2(2, 1)
        measured = measure(Path(sys.argv[2]), bool(int(sys.argv[3])))
        os.write(out, (json.dumps(measured) + "\n").encode())
        return
    state = Path(sys.argv[1]).resolve()
    original, patched = measure_in_new_process(state, False), measure_in_new_process(state, True)
    print("| patch | calls | dbt | patched |\n|---|---|---|---|")
    for name, (calls, seconds) in original.items():
        print(f"| {name} | {calls} | {seconds:.2f} s | {patched[name][1]:.2f} s |")


if __name__ == "__main__":
    main()
