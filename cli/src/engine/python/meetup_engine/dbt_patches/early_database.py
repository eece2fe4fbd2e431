"""Opens the database while the unit tests of a build run in memory: neither needs the other."""

import threading

from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.connections import DuckDBConnectionManager


class EarlyDatabase:
    """Begins to open at once; `hand_over` gives what was opened to dbt."""

    def __init__(self, credentials):
        self._environment = None
        self._thread = threading.Thread(target=self._open, args=(credentials,), daemon=True, name="open")
        self._thread.start()

    def _open(self, credentials):
        environment = environments.create(credentials)
        try:
            environment.handle().close()
        except Exception:  # noqa: BLE001 - dbt opens it again, and tells what is wrong in its own words
            return
        self._environment = environment

    def hand_over(self):
        self._thread.join()
        if self._environment is None:
            return
        if DuckDBConnectionManager._ENV is None:
            DuckDBConnectionManager._ENV = self._environment
        else:
            self._environment.close()
