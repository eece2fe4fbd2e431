"""The raw tables on the target: made, given new columns, and freed of what a killed run left behind."""

import re
from typing import Final

from .errors import LandingError
from .plan import Plan, Table
from .sql import RunSql, integer, quoted, text

BATCHES: Final = "batches"
LOADED_FILES: Final = "loaded_files"
REJECTED: Final = "rejected_records"


class RawTables:
    def __init__(self, run_sql: RunSql, catalog: str, plan: Plan) -> None:
        self._run_sql = run_sql
        self._catalog = catalog
        self._plan = plan

    def place(self, table: str) -> str:
        return quoted(self._catalog, "raw", table)

    def prepare(self) -> None:
        """Makes the tables that are missing, and adds columns for new properties."""
        self._run_sql(f"create schema if not exists {quoted(self._catalog, 'raw')}")
        for table in self._plan["tables"]:
            self._run_sql(f"create table if not exists {self.place(table['name'])} {table['clause']}")
            self._add_columns(table)

    def _add_columns(self, table: Table) -> None:
        place = self.place(table["name"])
        known: dict[str, str] = {}
        for name, kind, *_ in self._run_sql(f"describe table {place}"):
            if not name or str(name).startswith("#"):
                break
            known[str(name).lower()] = str(kind)
        missing = [column for column in table["columns"] if column["name"].lower() not in known]
        for column in table["columns"]:
            kind = known.get(column["name"].lower(), column["type"])
            # Spark shortens the description of a struct with many fields.
            if " more field" not in kind and plain(kind) != plain(column["type"]):
                raise LandingError(
                    f"{place} has the column {column['name']} as {kind}, and its schema says {column['type']}: "
                    "change the table or the schema. Nothing was loaded."
                )
        if missing:
            if table["mapping"]:
                self._run_sql(f"alter table {place} set {table['mapping']}")
            added = ", ".join(f"{column['quoted']} {column['type']}" for column in missing)
            self._run_sql(f"alter table {place} add columns ({added})")

    def remove_unfinished(self) -> None:
        """
        Removes the rows of a batch that isn't in `raw.batches`: its run was killed or refused it. Batches are numbered in order, and only one
        run at a time has the lease, so nothing else has a higher number.
        """
        batches = self.place(BATCHES)
        last = integer(self._run_sql(f"select coalesce(max(batch_seq), 0) from {batches}")[0][0])
        for name in [*self._plan["entities"], REJECTED]:
            self._remove(name, f"_batch_seq > {last}")
        files = self.place(LOADED_FILES)
        unlisted = self._run_sql(
            f"select distinct batch_id from {files} where batch_id not in (select batch_id from {batches})"
        )
        if unlisted:
            # Delta's DELETE allows no subquery.
            self._run_sql(f"delete from {files} where batch_id in ({', '.join(text(str(row[0])) for row in unlisted)})")

    def _remove(self, table: str, condition: str) -> None:
        # Without rows to remove, no version of the table is made.
        if self._run_sql(f"select 1 from {self.place(table)} where {condition} limit 1"):
            self._run_sql(f"delete from {self.place(table)} where {condition}")


def plain(kind: str) -> str:
    """A type without quotes and spaces that Spark leaves out when it describes one."""
    return re.sub(r"([,:])\s+", r"\1", kind.replace("`", "")).lower()
