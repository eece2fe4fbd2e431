"""
The engine: a process that imports dbt once, keeps the project's manifest in memory, and answers clients on a Unix domain
socket, one request at a time. cli/src/engine/process.ts starts and supervises it.

    python main.py SOCKET TOKEN_FILE

The parent holds the other end of stdin: when that closes, the engine ends. A line of JSON on stdout reports that the socket is
open. Whatever dbt or DuckDB would print goes to stderr, which the supervisor writes to a log.
"""

import contextlib
import gc
import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from meetup_engine.protocol import guard, wire
from meetup_engine.protocol.messages import Json

STARTED = time.time()
# Held while the manifest is written to disk, so that the process doesn't exit in the middle of it.
SAVING: list[threading.Lock] = []


@dataclass
class State:
    """Whether dbt has been imported, and its version."""

    ready: bool = False
    dbt: str | None = None


def main() -> None:
    # Objects created by importing dbt are never freed, so collecting is a waste; the worker turns the collector on again.
    gc.disable()
    socket_path, token_file = sys.argv[1], sys.argv[2]
    # Ctrl-C reaches the terminal's whole process group; the client decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    announce = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    guard.die_with_parent(0, before_end=lambda: _leave(socket_path))
    with open(token_file, encoding="utf-8") as file:
        token = file.read().strip()

    state = State()
    server: wire.Server = wire.Server(
        socket_path,
        token,
        hello=lambda: {"pid": os.getpid(), "startedAt": STARTED, "ready": state.ready, "dbt": state.dbt},
        quick={
            "ping": lambda request: {"ready": state.ready},
            "stats": lambda request: stats(server, state),
            "shutdown": lambda request: _end_soon(socket_path),
        },
    )
    server.start()
    announce.write(json.dumps({"listening": socket_path, "pid": os.getpid()}) + "\n")
    announce.flush()
    announce.close()

    # Importing dbt takes more than two seconds, in which clients can already connect and queue requests.
    from meetup_engine.protocol import worker

    state.dbt = worker.dbt_version()
    state.ready = True
    signal.signal(signal.SIGTERM, lambda *_: _end(socket_path))
    doing = worker.Worker(server)
    SAVING.append(doing.saving)
    doing.run()


def stats(server: wire.Server, state: State) -> Json:
    """Memory of this process in bytes, and its uptime."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "pid": os.getpid(),
        "rssBytes": _resident_bytes() or peak,
        "peakRssBytes": peak,
        "uptimeSeconds": round(time.time() - STARTED, 1),
        "ready": state.ready,
        "busy": server.current is not None,
        "threads": threading.active_count(),
    }


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _end_soon(socket_path: str) -> Json:
    threading.Timer(0.02, _end, (socket_path,)).start()
    return {}


def _end(socket_path: str) -> None:
    _leave(socket_path)
    os._exit(0)


def _leave(socket_path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(socket_path)
    for saving in SAVING:
        saving.acquire(timeout=1)


if __name__ == "__main__":
    main()
