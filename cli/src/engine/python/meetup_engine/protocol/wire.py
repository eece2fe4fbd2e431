"""The protocol's transport: one JSON document per line over a Unix domain socket, for clients that know the token."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from meetup_engine.protocol.messages import Json, RequestDocument

PROTOCOL = 1
# Requests are much shorter than this: a client that sends a longer line doesn't speak the protocol.
MAX_LINE = 8 * 1024 * 1024
HEARTBEAT_SECONDS = 1


class Connection:
    """The connection to one client. Any thread may write to it, and a disconnected client is not an error."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        self.open = True

    def send(self, document: Json) -> None:
        data = (json.dumps(document, separators=(",", ":"), default=str) + "\n").encode()
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError:
            self.open = False

    def lines(self) -> Iterator[bytes]:
        with self._socket.makefile("rb") as stream:
            while True:
                line = stream.readline(MAX_LINE)
                if not line or not line.endswith(b"\n"):
                    return
                yield line

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Request:
    """One request for work. Once it is `cancelled`, nothing but the cancellation is reported."""

    def __init__(self, connection: Connection, document: RequestDocument) -> None:
        self.connection = connection
        self.id = document["id"]
        self.op = document["op"]
        self.document = document
        self.cancelled = False
        # Whether work on it has started, or it was answered without any.
        self.taken = False

    def event(self, event: Json) -> None:
        # An interrupted node ends with an error, which isn't the node's fault.
        if not self.cancelled:
            self.connection.send({"id": self.id, "type": "event", "event": event})

    def result(self, result: Json) -> None:
        self.connection.send({"id": self.id, "type": "result", "result": result})

    def error(self, code: str, message: str, detail: str | None = None) -> None:
        error = {"code": code, "message": message}
        if detail:
            error["detail"] = detail
        self.connection.send({"id": self.id, "type": "error", "error": error})


class Server:
    """Accepts clients. Quick operations are answered immediately; work is queued, because dbt does one thing at a time."""

    def __init__(
        self,
        path: str,
        token: str,
        hello: Callable[[], Json],
        quick: Mapping[str, Callable[[Request], Json]],
    ) -> None:
        self._token = token
        self._hello = hello
        self._quick = quick
        self.work: queue.Queue[Request] = queue.Queue()
        self.current: Request | None = None
        self.on_cancel: Callable[[Request], None] = lambda request: None
        # Whether the current request only works locally. If so, a process that uses no CPU time is stuck.
        self.local = False
        self._pending: dict[tuple[int, int], Request] = {}
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        previous = os.umask(0o177)
        try:
            self._socket.bind(path)
        finally:
            os.umask(previous)
        self._socket.listen(16)

    def start(self) -> None:
        for work in (self._accept, self._beat):
            threading.Thread(target=work, daemon=True, name=work.__name__).start()

    def take_up(self, request: Request) -> bool:
        """Makes a queued request the current one. Returns False if it has been cancelled (and answered) in the meantime."""
        with self._lock:
            if request.taken:
                return False
            request.taken = True
            self.current = request
            return True

    def done(self, request: Request) -> None:
        with self._lock:
            self._pending.pop((id(request.connection), request.id), None)

    def _beat(self) -> None:
        """Sends a heartbeat with the engine's CPU time to every client that waits for an answer."""
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            times = os.times()
            beat = {"type": "heartbeat", "cpuMs": round((times.user + times.system) * 1000), "local": self.local}
            with self._lock:
                waiting = list(self._pending.values())
            for request in waiting:
                request.connection.send({**beat, "id": request.id})

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Connection(sock),), daemon=True, name="client").start()

    def _serve(self, connection: Connection) -> None:
        try:
            lines = connection.lines()
            if self._greet(connection, next(lines, None)):
                for line in lines:
                    self._take(connection, line)
        except (OSError, ValueError, KeyError, TypeError):
            # A client that doesn't speak the protocol is disconnected.
            pass
        finally:
            connection.close()
            self._drop(connection)

    def _greet(self, connection: Connection, line: bytes | None) -> bool:
        document = parse_document(line) if line else RequestDocument()
        given = document.get("token")
        known = isinstance(given, str) and hmac.compare_digest(given.encode(), self._token.encode())
        if document.get("op") != "hello" or not known:
            connection.send({"id": 0, "type": "error", "error": {"code": "refused", "message": "The token is wrong."}})
            return False
        if document.get("protocol") != PROTOCOL:
            message = f"The engine speaks protocol {PROTOCOL}."
            connection.send({"id": 0, "type": "error", "error": {"code": "protocol", "message": message}})
            return False
        connection.send({"id": 0, "type": "result", "result": {"protocol": PROTOCOL, **self._hello()}})
        return True

    def _take(self, connection: Connection, line: bytes) -> None:
        request = Request(connection, parse_document(line))
        if request.op == "cancel":
            self._cancel(connection, request.document.get("request"))
            request.result({})
        elif request.op in self._quick:
            request.result(self._quick[request.op](request))
        else:
            with self._lock:
                self._pending[(id(connection), request.id)] = request
            self.work.put(request)

    def _cancel(self, connection: Connection, request_id: int | None) -> None:
        with self._lock:
            request = None if request_id is None else self._pending.get((id(connection), request_id))
        if request is not None:
            self._give_up(request)

    def _give_up(self, request: Request) -> None:
        """
        Cancels a request. A queued one is answered immediately, because it may wait for something long: another client's build,
        or the import of dbt.
        """
        request.cancelled = True
        with self._lock:
            waits = not request.taken
            request.taken = True
        if waits:
            request.error("cancelled", "The request was cancelled.")
            self.done(request)
        else:
            self.on_cancel(request)

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            gone = [request for key, request in self._pending.items() if key[0] == id(connection)]
        for request in gone:
            self._give_up(request)


def parse_document(line: bytes) -> RequestDocument:
    """
    Parses a line from a client. Only the fields needed to answer it are validated; all others can be trusted, since the client
    has the same protocol number (cli/src/engine/protocol.ts). Raises ValueError or TypeError.
    """
    document: object = json.loads(line)
    if not isinstance(document, dict):
        raise TypeError("a request must be an object")
    if not isinstance(document.get("op"), str):
        raise TypeError("a request must have an operation")
    if document["op"] != "hello" and not isinstance(document.get("id"), int):
        raise TypeError("a request must have a numeric id")
    return cast(RequestDocument, document)
