"""
The warm dbt: a process that imports dbt once, keeps the project's manifest in memory, and does one request after the
other for clients on a Unix domain socket. Started and supervised by cli/src/engine/process.ts.

    python main.py SOCKET TOKEN_FILE

The descriptor of stdin is held by the parent: when it closes, the engine ends. One JSON line on stdout says that the
socket is open; whatever dbt or DuckDB would print goes to stderr, which the supervisor keeps in a log.
"""

import gc
import json
import os
import signal
import sys
import threading
import time

from meetup_engine.protocol import guard
from meetup_engine.protocol import wire

STARTED = time.time()
# Held while the manifest is written to disk, which the end of the process waits for a little.
SAVING = []


def main():
    # Importing dbt makes nothing but what stays; the worker takes up collecting garbage.
    gc.disable()
    socket_path, token_file = sys.argv[1], sys.argv[2]
    # Ctrl-C reaches the whole process group of a terminal; the client decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    announce = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    guard.die_with_parent(0, before_end=lambda: _leave(socket_path))
    with open(token_file, encoding="utf-8") as file:
        token = file.read().strip()

    state = {"ready": False, "dbt": None}
    server = wire.Server(
        socket_path,
        token,
        hello=lambda: {"pid": os.getpid(), "startedAt": STARTED, "ready": state["ready"], "dbt": state["dbt"]},
        quick={
            "ping": lambda request: {"ready": state["ready"]},
            "stats": lambda request: stats(server, state),
            "shutdown": lambda request: _end_soon(socket_path),
        },
    )
    server.start()
    announce.write(json.dumps({"listening": socket_path, "pid": os.getpid()}) + "\n")
    announce.flush()
    announce.close()

    # dbt and its dependencies: more than two seconds, during which clients can connect and queue their work.
    from meetup_engine.protocol import worker

    state.update(ready=True, dbt=worker.dbt_version())
    signal.signal(signal.SIGTERM, lambda *_: _end(socket_path))
    doing = worker.Worker(server)
    SAVING.append(doing.saving)
    doing.run()


def stats(server, state):
    """Memory of this process in bytes, and how long it has been up."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "pid": os.getpid(),
        "rssBytes": _rss() or peak * (1 if sys.platform == "darwin" else 1024),
        "peakRssBytes": peak * (1 if sys.platform == "darwin" else 1024),
        "uptimeSeconds": round(time.time() - STARTED, 1),
        "ready": state["ready"],
        "busy": server.current is not None,
        "threads": threading.active_count(),
    }


def _rss():
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _end_soon(socket_path):
    threading.Timer(0.02, _end, (socket_path,)).start()
    return {}


def _end(socket_path):
    _leave(socket_path)
    os._exit(0)


def _leave(socket_path):
    _remove(socket_path)
    for saving in SAVING:
        saving.acquire(timeout=1)


def _remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass


if __name__ == "__main__":
    main()
