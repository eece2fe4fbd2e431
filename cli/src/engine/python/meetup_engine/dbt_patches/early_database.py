"""Opens the database in the background while a build's unit tests run in memory."""

from __future__ import annotations

import threading

from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments import Environment

from meetup_engine.dbt_patches.patch import Patch, Symbol


class EarlyDatabase:
    """Starts to open the database immediately; `hand_over` gives it to dbt."""

    def __init__(self, credentials: DuckDBCredentials) -> None:
        self._environment: Environment | None = None
        self._thread = threading.Thread(target=self._open, args=(credentials,), daemon=True, name="open")
        self._thread.start()

    def _open(self, credentials: DuckDBCredentials) -> None:
        environment = environments.create(credentials)
        try:
            environment.handle().close()
        except Exception:  # noqa: BLE001 - dbt tries again and reports the error itself
            return
        self._environment = environment

    def hand_over(self) -> None:
        self._thread.join()
        if self._environment is None:
            return
        if DuckDBConnectionManager._ENV is None:
            DuckDBConnectionManager._ENV = self._environment
        else:
            self._environment.close()


PATCH = Patch(
    name="early_database",
    why="opening a DuckDB file takes as long as running a dozen unit tests",
    gain="the time to open the file, spent while unit tests run; not measured separately",
    relies_on=(
        Symbol("dbt.adapters.duckdb.connections:DuckDBConnectionManager", "4a84cfab28228b6a"),
        Symbol("dbt.adapters.duckdb.environments:create", "b755556031bada3a"),
    ),
)
