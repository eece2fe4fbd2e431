"""Runs the common cases with Databricks' own driver for Python."""

from __future__ import annotations

from typing import Any

from databricks import sql
from databricks.sql.exc import Error
from databricks.sql.parameters.native import (
    BigIntegerParameter,
    BooleanParameter,
    DateParameter,
    DbsqlParameterBase,
    DecimalParameter,
    DoubleParameter,
    IntegerParameter,
    StringParameter,
    TimestampParameter,
    VoidParameter,
)

from common import Case, Client, Given, Plain, argument, connection_arguments, failure, plain, run_all, together

PARAMETERS: dict[str, Any] = {
    "BOOLEAN": BooleanParameter,
    "INT": IntegerParameter,
    "BIGINT": BigIntegerParameter,
    "DOUBLE": DoubleParameter,
    "DECIMAL": DecimalParameter,
    "STRING": StringParameter,
    "DATE": DateParameter,
    "TIMESTAMP": TimestampParameter,
    "VOID": VoidParameter,
}


def parameter(kind: str, value: str | None, name: str | None) -> DbsqlParameterBase:
    made: DbsqlParameterBase = PARAMETERS[kind](argument(kind, value), name=name)
    return made


def parameters_of(case: Case) -> list[DbsqlParameterBase] | None:
    if "positional" in case:
        return [parameter(kind, value, None) for kind, value in case["positional"]]
    if "named" in case:
        return [parameter(kind, value, name) for name, (kind, value) in case["named"].items()]
    return None


class DriverClient(Client):
    errors = Error

    def __init__(self, given: Given, folder: str) -> None:
        super().__init__(folder)
        self.connection = sql.connect(**connection_arguments(given, folder))

    def close(self) -> None:
        self.connection.close()

    def run(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, case: Case) -> list[Plain]:
        with self.connection.cursor() as cursor:
            cursor.execute(case["sql"], parameters_of(case))
            return [plain(tuple(row)) for row in cursor.fetchall()]

    def large(self, case: Case) -> list[list[str]]:
        with self.connection.cursor() as cursor:
            cursor.execute(case["sql"])
            rows = cursor.fetchall()
        return [[str(len(rows)), str(sum(row[0] for row in rows)), str(sum(row[1] is None for row in rows))]]

    def update(self, case: Case) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(case["sql"], parameters_of(case))
            return cursor.rowcount

    def error(self, case: Case) -> dict[str, str | None] | None:
        return failure(lambda: self.rows(case), self.errors)

    def metadata(self, case: Case) -> list[list[Plain]]:
        with self.connection.cursor() as cursor:
            where = {"catalog_name": case.get("catalog"), "schema_name": case.get("schema")}
            if case["call"] == "catalogs":
                cursor.catalogs()
            elif case["call"] == "schemas":
                cursor.schemas(**where)
            elif case["call"] == "tables":
                cursor.tables(**where, table_name=case["table"])
            else:
                cursor.columns(**where, table_name=case["table"])
            names = [column[0] for column in cursor.description or []]
            return [[plain(row[names.index(name)]) for name in case["columns"]] for row in cursor.fetchall()]

    def together(self, case: Case) -> int:
        return together(lambda sql: self.rows({"sql": sql}), case["sql"])

    def cancel(self, case: Case) -> dict[str, object]:
        cursor = self.connection.cursor()

        def run() -> None:
            cursor.execute(case["sql"])
            cursor.fetchall()

        return self.cancelled(run, cursor.cancel, pause=6)


run_all(DriverClient)
