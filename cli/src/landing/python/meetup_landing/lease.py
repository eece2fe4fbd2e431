"""The lease that `meetup deploy` and runs of dbt take turns by (dbt/macros/deployment/lease.sql)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from .errors import LandingError
from .sql import RunSql, quoted, text

MINUTES: Final = 120
PATIENCE_SECONDS: Final = 3600
PAUSE_SECONDS: Final = 5


class Run(NamedTuple):
    """Who loads. Job and its run are empty for a person."""

    id: str
    job: str
    job_run: str

    @property
    def holder(self) -> str:
        return f"dbt {self.id} {self.job or '-'}/{self.job_run or '-'} landing"


class Lease:
    def __init__(self, run_sql: RunSql, table: str, run: Run) -> None:
        self._run_sql = run_sql
        self._table = table
        self._run = run

    def holder(self) -> str:
        rows = self._run_sql(f"select coalesce(holder, '') from {self._table} where id = 1")
        return str(rows[0][0])

    def require_held(self) -> None:
        """Before anything is written: a run that took longer than its lease may have lost it."""
        if self.holder() != self._run.holder:
            raise LandingError(
                f"This run lost its lease after {MINUTES} minutes, so it stopped: run the task again, which removes what it left behind."
            )

    def take(self) -> bool:
        same_job = f" or (holder like 'dbt %' and split_part(holder, ' ', 3) like {text(self._run.job + '/%')})"
        free = f"(holder is null or until < current_timestamp(){same_job if self._run.job else ''})"
        until = f"current_timestamp() + make_dt_interval(0, 0, {MINUTES}, 0)"
        if self._run_sql(f"select 1 from {self._table} where id = 1 and {free}"):
            try:
                self._run_sql(
                    f"update {self._table} set holder = {text(self._run.holder)}, until = {until} where {free}"
                )
            except Exception as error:
                # Somebody else took it first.
                if "concurrent" not in str(error).lower():
                    raise
        return self.holder() == self._run.holder

    def give_back(self) -> None:
        self._run_sql(f"update {self._table} set holder = null, until = null where holder = {text(self._run.holder)}")


@contextmanager
def held(run_sql: RunSql, catalog: str, run: Run, sleep: Callable[[float], None] = time.sleep) -> Iterator[Lease]:
    """Waits for the lease, and gives it back in the end."""
    table = quoted(catalog, "meetup", "deploy_lock")
    prepare(run_sql, catalog, table)
    lease = Lease(run_sql, table, run)
    waited = 0
    while not lease.take():
        if waited >= PATIENCE_SECONDS:
            raise LandingError(
                f"{catalog} is being changed by {lease.holder()}, and this run has waited for an hour: run the task again later."
            )
        sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
    try:
        yield lease
    finally:
        lease.give_back()


def prepare(run_sql: RunSql, catalog: str, table: str) -> None:
    run_sql(f"create schema if not exists {quoted(catalog, 'meetup')}")
    run_sql(f"create table if not exists {table} (id int, holder string, until timestamp) using delta")
    if not run_sql(f"select 1 from {table}"):
        run_sql(
            f"merge into {table} as held using (select 1 as id) as wanted on held.id = wanted.id "
            "when not matched then insert (id, holder, until) values (1, null, null)"
        )
