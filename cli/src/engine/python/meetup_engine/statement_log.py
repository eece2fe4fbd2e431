"""
A log of every statement that the engine runs on DuckDB, on the working database and in memory, for measurements and debugging. It is
written if MEETUP_STATEMENT_LOG names a file: one JSON object per statement, in the order in which they ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator

WORKING = "working"

_context = threading.local()


class StatementLog:
    """Appends statements to a file. Does nothing without one."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._names = 0

    @property
    def on(self) -> bool:
        return self._path is not None

    @contextlib.contextmanager
    def running(self, unique_id: str) -> Iterator[None]:
        """This thread's statements inside the context belong to a node or unit test; all others are the engine's own."""
        before = getattr(_context, "node", None)
        _context.node = unique_id
        try:
            yield
        finally:
            _context.node = before

    @contextlib.contextmanager
    def statement(self, database: str, connection: int, sql: str) -> Iterator[None]:
        """Logs the statement that runs inside the context, also if it fails."""
        started = time.perf_counter()
        failed = True
        try:
            yield
            failed = False
        finally:
            if self._path is not None:
                entry = {
                    "node": getattr(_context, "node", None),
                    "database": database,
                    "connection": connection,
                    "ms": round((time.perf_counter() - started) * 1000, 3),
                    "failed": failed,
                    "sql": sql,
                }
                with self._lock, open(self._path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")

    def number(self) -> int:
        """A number that nothing else has, for a connection or a database in memory."""
        with self._lock:
            self._names += 1
            return self._names


log = StatementLog(os.environ.get("MEETUP_STATEMENT_LOG") or None)
