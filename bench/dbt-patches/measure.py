"""
What each patch of dbt gains: the CPU time of a few pieces of work with all patches, and without one of them at a time.

    PYTHON bench/dbt-patches/measure.py STATE_DIR [RUNS]

STATE_DIR is a state folder that `./meetup dev` has filled; its database is copied. PYTHON is that folder's
toolchain/python/bin/python. CPU time, because a patch does the same on a busy machine as on an idle one.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "cli/src/engine/python"))

# The work, and how it is called in the table.
PHASES = ("parse", "again", "unit tests", "build", "build again")


class Request:
    """A request that nobody waits for."""

    def __init__(self, op: str, **document: object) -> None:
        self.op = op
        self.id = 1
        self.cancelled = False
        self.document = {"op": op, **document}

    def event(self, event: object) -> None:
        """Nobody listens."""


def measure(state: Path, without: str) -> dict[str, float]:
    """CPU seconds of each phase in this process."""
    from meetup_engine.dbt_patches import registry

    registry.PATCHES = tuple(patch for patch in registry.PATCHES if patch.name != without)
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

    def run(op: str, **document: object) -> float:
        started = time.process_time()
        request: Any = Request(op, **project, **document)
        answer = engine._operations[op](request)
        engine._release(clean=answer["status"] == "pass")
        if answer["status"] != "pass" and answer["status"] != "ok":
            raise SystemExit(f"{op}: {json.dumps(answer)[:2000]}")
        return time.process_time() - started

    return {
        "parse": run("parse", full=True),
        "again": run("parse", files=[str(fixture)], full=True),
        "unit tests": run("fixtures", sources=raw_columns(state / "meetup.duckdb")),
        "build": run("affected", everything=True),
        "build again": run("affected", everything=True),
    }


def raw_columns(database: Path) -> dict[str, list[tuple[str, str]]]:
    """The columns of the tables that no model makes."""
    import duckdb

    found: dict[str, list[tuple[str, str]]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        sql = "select schema_name, table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw'"
        for schema, table, column, data_type in connection.execute(sql).fetchall():
            found.setdefault(f"{schema}.{table}", []).append((column, data_type))
    return found


def in_a_process(state: Path, without: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(state / "work/meetup.duckdb", Path(folder) / "meetup.duckdb")
        done = subprocess.run(
            [sys.executable, __file__, "--one", folder, without], capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise SystemExit(done.stderr[-4000:])
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    if sys.argv[1] == "--one":
        # dbt prints to stdout, too.
        out = os.dup(1)
        os.dup2(2, 1)
        measured = measure(Path(sys.argv[2]), sys.argv[3])
        os.write(out, (json.dumps(measured) + "\n").encode())
        return
    from meetup_engine.dbt_patches import registry

    state, runs = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"| without | {' | '.join(PHASES)} |\n|---|{'---|' * len(PHASES)}")
    whole: dict[str, float] = {}
    for name in ["", *(patch.name for patch in registry.PATCHES if patch.replaces)]:
        results = [in_a_process(state, name) for _ in range(runs)]
        medians = {phase: statistics.median(result[phase] for result in results) for phase in PHASES}
        whole = whole or medians
        cells = (
            f"{medians[phase]:.2f} s" if not name else f"{medians[phase] - whole[phase]:+.2f} s" for phase in PHASES
        )
        print(f"| {name or '(all patches)'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
