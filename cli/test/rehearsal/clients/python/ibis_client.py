"""Runs the common cases with ibis."""

from __future__ import annotations

import datetime
import re
import tempfile

import ibis
from databricks.sql.exc import Error
from ibis.backends.databricks import Backend

from common import Case, Client, Given, Plain, connection_arguments, failure, plain, run_all, together


class IbisClient(Client):
    errors = Error

    def __init__(self, given: Given, folder: str) -> None:
        super().__init__(folder)
        # What ibis uploads, it writes to a temporary file first.
        tempfile.tempdir = folder
        self.connection: Backend = ibis.databricks.connect(
            **connection_arguments(given, folder), catalog="hive_metastore", schema="default", memtable_volume="of_ibis"
        )

    def close(self) -> None:
        self.connection.disconnect()

    def run(self, sql: str) -> None:
        self.connection.raw_sql(sql).close()

    def rows(self, case: Case) -> list[Plain]:
        rows = self.connection.sql(case["sql"]).to_pyarrow().to_pylist()
        return [plain(tuple(row.values())) for row in rows]

    def large(self, case: Case) -> list[list[str]]:
        table = self.connection.sql(case["sql"])
        facts = [table.count(), table.id.sum(), table.name.isnull().sum()]
        batches = list(table.to_pyarrow_batches(chunk_size=50_000))
        found = [sum(len(batch) for batch in batches), sum(sum(batch["id"].to_pylist()) for batch in batches)]
        nulls = sum(batch["name"].null_count for batch in batches)
        if [*found, nulls] != [fact.execute() for fact in facts]:
            raise AssertionError("the target counts otherwise")
        return [[str(fact) for fact in [*found, nulls]]]

    def update(self, case: Case) -> int:
        with self.connection.raw_sql(case["sql"]) as cursor:
            return cursor.rowcount

    def error(self, case: Case) -> dict[str, str | None] | None:
        return failure(lambda: self.connection.raw_sql(case["sql"]).fetchall(), self.errors)

    def metadata(self, case: Case) -> list[list[Plain]]:
        """What ibis lists, as rows of the driver's metadata."""
        catalog, schema, table = case.get("catalog"), case.get("schema"), re.sub(r"\\_", "_", case.get("table", ""))
        if case["call"] == "catalogs":
            return [[name] for name in self.connection.list_catalogs()]
        if case["call"] == "schemas":
            return [[name] for name in self.connection.list_databases(catalog=catalog)]
        if case["call"] == "tables":
            names = self.connection.list_tables(database=(catalog, schema))
            return [[catalog, schema, name, "TABLE"][-len(case["columns"]) :] for name in names]
        types = {"int64": "BIGINT", "string": "STRING"}
        found = self.connection.table(table, database=(catalog, schema)).schema()
        return [[table, name, types.get(str(kind), str(kind))] for name, kind in found.items()]

    def library(self, case: Case) -> list[Plain]:
        """A table of rows that ibis uploads, and what its expressions find there."""
        schema = {"id": "int64", "name": "string", "day": "date", "tags": "array<string>"}
        rows = [
            {"id": 1, "name": "it's", "day": datetime.date(2024, 2, 29), "tags": ["a", "b"]},
            {"id": 2, "name": None, "day": None, "tags": None},
            {"id": 3, "name": "gone", "day": None, "tags": []},
        ]
        made = self.connection.create_table(case["table"], ibis.memtable(rows, schema=schema), overwrite=True)
        found = made.filter(made.id < 3).mutate(name=made.name.fill_null("none")).order_by("id").select("id", "name")
        joined = found.join(made, "id").aggregate(groups=lambda t: t.count(), days=lambda t: t.day.count())
        [counted] = joined.to_pyarrow().to_pylist()
        if counted != {"groups": 2, "days": 1}:
            raise AssertionError(counted)
        [tags] = made.filter(made.id == 1).tags.to_pyarrow().to_pylist()
        if tags != ["a", "b"]:
            raise AssertionError(tags)
        read = [plain(tuple(row.values())) for row in found.to_pyarrow().to_pylist()]
        names = list(self.connection.table(case["table"]).columns)
        self.connection.drop_table(case["table"])
        return [*read, [name for name in names if name not in ("day", "tags")]]

    def together(self, case: Case) -> int:
        return together(lambda sql: self.connection.raw_sql(sql).fetchall(), case["sql"])


run_all(IbisClient)
