"""What the clients in Python share: values as text, parameters, files, and the loop over the cases."""

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

Case = dict[str, Any]
Given = dict[str, Any]
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
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, numpy.ndarray):
        return plain(value.tolist())
    if isinstance(value, datetime.datetime):
        whole = value.replace(tzinfo=None).strftime("%Y-%m-%d %H:%M:%S")
        return whole + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")
    return str(value)


READERS: dict[str, Callable[[str], object]] = {
    "BOOLEAN": lambda value: value == "true",
    "INT": int,
    "BIGINT": int,
    "DOUBLE": float,
    "DECIMAL": decimal.Decimal,
    "STRING": str,
    "DATE": datetime.date.fromisoformat,
    "TIMESTAMP": datetime.datetime.fromisoformat,
}


def argument(kind: str, value: str | None) -> object:
    """A parameter's value in Python."""
    return None if value is None else READERS[kind](value)


def failure(run: Callable[[], object], errors: type[Exception]) -> dict[str, str | None] | None:
    """The error that something ends with. The driver only has the state in its message."""
    try:
        run()
    except errors as error:
        state = re.search(r"SQLSTATE: (\w{5})", str(error))
        return {"state": state[1] if state else None, "message": str(error)}
    return None


def together(ask: Callable[[str], object], sql: str) -> int:
    """Runs three statements at once, and returns how many were answered."""
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda start=start: found.append(ask(sql.replace("ID", str(start)))))
        for start in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(found)


def volume(run: Callable[[str], object], folder: str, path: str) -> bool:
    """Uploads a file, downloads it, and removes it twice. @returns whether it came back unchanged."""
    up, down = os.path.join(folder, "up"), os.path.join(folder, "down")
    content = os.urandom(300_000)
    with open(up, "wb") as file:
        file.write(content)
    run(f"PUT '{up}' INTO '{path}' OVERWRITE")
    run(f"GET '{path}' TO '{down}'")
    with open(down, "rb") as file:
        same = file.read() == content
    run(f"REMOVE '{path}'")
    run(f"REMOVE '{path}'")
    return same


def connection_arguments(given: Given, folder: str) -> dict[str, Any]:
    """How the driver, and what is built on it, connects. It may only transfer files of one folder."""
    return {
        "server_hostname": given["host"],
        "http_path": given["httpPath"],
        "access_token": given["token"],
        "_port": given["port"],
        "_tls_trusted_ca_file": given["caFile"],
        "staging_allowed_local_path": folder,
        "enable_telemetry": False,
        "session_configuration": {"timezone": "UTC"},
    }


class Client:
    """A client has a method for each kind of case that it runs, by its name."""

    # What it raises for a failed statement.
    errors: type[Exception]

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def run(self, sql: str) -> object:
        raise NotImplementedError

    def rows(self, case: Case) -> list[Plain]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def volume(self, case: Case) -> bool:
        return volume(self.run, self.folder, case["path"])

    def missing(self, case: Case) -> dict[str, str | None] | None:
        return failure(lambda: self.run(f"GET '{case['path']}' TO '{os.path.join(self.folder, 'none')}'"), self.errors)

    def cancelled(self, run: Callable[[], object], cancel: Callable[[], object], pause: float) -> dict[str, object]:
        """Runs something, cancels it after a pause (seconds), and says how it ended and how soon."""
        ended: list[str] = []

        def run_to_its_end() -> None:
            try:
                run()
                ended.append("completed")
            except self.errors:
                ended.append("cancelled")

        thread = threading.Thread(target=run_to_its_end)
        thread.start()
        time.sleep(pause)
        started = time.monotonic()
        cancel()
        thread.join()
        took = time.monotonic() - started
        return {"ended": ended[0], "seconds": took, "after": self.rows({"sql": "select count(*) as one from range(1)"})}


def outcome(client: Client, case: Case) -> dict[str, Any]:
    try:
        for statement in case.get("before", []):
            client.run(statement)
        return {"name": case["name"], "outcome": getattr(client, case["do"])(case)}
    except Exception as error:  # noqa: BLE001 (whatever goes wrong is this case's outcome)
        return {"name": case["name"], "failed": f"{type(error).__name__}: {error}"}


def run_all(connect: Callable[[Given, str], Client]) -> None:
    """Reads the cases from standard input, and prints the outcome of each as a line of JSON."""
    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        client = connect(given, folder)
        for case in given["cases"]:
            print(json.dumps(outcome(client, case)), flush=True)
        client.close()
