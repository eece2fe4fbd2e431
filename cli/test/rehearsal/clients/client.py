"""Runs the common cases with Databricks' own driver for Python, and prints the outcome of each as a line of JSON."""

from __future__ import annotations

import datetime
import decimal
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy
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

Case = dict[str, Any]
Plain = str | list["Plain"] | None


def plain(value: object) -> Plain:
    """A value as text, or as a list if it is nested."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return [plain(part) for part in value.values()]
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, numpy.ndarray):
        return plain(value.tolist())
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, datetime.datetime):
        whole = value.replace(tzinfo=None).strftime("%Y-%m-%d %H:%M:%S")
        return whole + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")
    return str(value)


def parameter(kind: str, value: str | None, name: str | None) -> DbsqlParameterBase:
    if value is None:
        return VoidParameter(None, name=name)
    factories: dict[str, Callable[[], DbsqlParameterBase]] = {
        "BOOLEAN": lambda: BooleanParameter(value == "true", name=name),
        "INT": lambda: IntegerParameter(int(value), name=name),
        "BIGINT": lambda: BigIntegerParameter(int(value), name=name),
        "DOUBLE": lambda: DoubleParameter(float(value), name=name),
        "DECIMAL": lambda: DecimalParameter(decimal.Decimal(value), name=name),
        "STRING": lambda: StringParameter(value, name=name),
        "DATE": lambda: DateParameter(datetime.date.fromisoformat(value), name=name),
        "TIMESTAMP": lambda: TimestampParameter(datetime.datetime.fromisoformat(value), name=name),
    }
    return factories[kind]()


def parameters_of(case: Case) -> list[DbsqlParameterBase] | None:
    if "positional" in case:
        return [parameter(kind, value, None) for kind, value in case["positional"]]
    if "named" in case:
        return [parameter(kind, value, name) for name, (kind, value) in case["named"].items()]
    return None


class Client:
    def __init__(self, given: dict[str, Any]) -> None:
        self.folder = tempfile.mkdtemp()
        self.connection = sql.connect(
            server_hostname=given["host"],
            http_path=given["httpPath"],
            access_token=given["token"],
            _port=given["port"],
            _tls_trusted_ca_file=given["caFile"],
            staging_allowed_local_path=self.folder,
            enable_telemetry=False,
            session_configuration={"timezone": "UTC"},
        )

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
        try:
            self.rows(case)
        except Error as error:
            # The driver only has the state in its message.
            state = re.search(r"SQLSTATE: (\w{5})", str(error))
            return {"state": state[1] if state else None, "message": str(error)}
        return None

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
        found: list[list[Plain]] = []

        def ask(start: int) -> None:
            found.append(self.rows({"sql": case["sql"].replace("ID", str(start))}))

        threads = [threading.Thread(target=ask, args=(start,)) for start in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(found)

    def cancel(self, case: Case) -> dict[str, object]:
        cursor = self.connection.cursor()
        ended: list[str] = []

        def run() -> None:
            try:
                cursor.execute(case["sql"])
                cursor.fetchall()
                ended.append("completed")
            except Error:
                ended.append("cancelled")

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(6)
        started = time.monotonic()
        cursor.cancel()
        thread.join()
        took = time.monotonic() - started
        return {"ended": ended[0], "seconds": took, "after": self.rows({"sql": "select count(*) as one from range(1)"})}

    def volume(self, case: Case) -> bool:
        up, down = os.path.join(self.folder, "up"), os.path.join(self.folder, "down")
        content = os.urandom(300_000)
        with open(up, "wb") as file:
            file.write(content)
        with self.connection.cursor() as cursor:
            cursor.execute(f"PUT '{up}' INTO '{case['path']}' OVERWRITE")
            cursor.execute(f"GET '{case['path']}' TO '{down}'")
            with open(down, "rb") as file:
                same = file.read() == content
            cursor.execute(f"REMOVE '{case['path']}'")
            cursor.execute(f"REMOVE '{case['path']}'")
        return same

    def missing(self, case: Case) -> dict[str, str | None] | None:
        return self.error({"sql": f"GET '{case['path']}' TO '{os.path.join(self.folder, 'none')}'"})


def outcome(client: Client, case: Case) -> dict[str, Any]:
    try:
        for statement in case.get("before", []):
            client.rows({"sql": statement})
        return {"name": case["name"], "outcome": getattr(client, case["do"])(case)}
    except Exception as error:  # noqa: BLE001 (whatever goes wrong is this case's outcome)
        return {"name": case["name"], "failed": f"{type(error).__name__}: {error}"}


def main() -> None:
    given = json.load(sys.stdin)
    client = Client(given)
    for case in given["cases"]:
        print(json.dumps(outcome(client, case)), flush=True)
    client.connection.close()


main()
