"""The protocol's transport: one JSON document per line over a Unix domain socket, open to who knows the token."""

import hmac
import json
import os
import queue
import socket
import threading
import time

PROTOCOL = 1
# No request is near this long; a longer line is not the protocol.
MAX_LINE = 8 * 1024 * 1024
HEARTBEAT_SECONDS = 1


class Connection:
    """One client. Writing is safe from every thread; a client that is gone is no error."""

    def __init__(self, sock):
        self._socket = sock
        self._lock = threading.Lock()
        self.open = True

    def send(self, document):
        data = (json.dumps(document, separators=(",", ":"), default=str) + "\n").encode()
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError:
            self.open = False

    def lines(self):
        with self._socket.makefile("rb") as stream:
            while True:
                line = stream.readline(MAX_LINE)
                if not line or not line.endswith(b"\n"):
                    return
                yield line

    def close(self):
        self.open = False
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()


class Request:
    """One request for work. Once it is `cancelled`, nothing of it is reported but that it was."""

    def __init__(self, connection, document):
        self.connection = connection
        self.id = document["id"]
        self.op = document["op"]
        self.document = document
        self.cancelled = False

    def event(self, event):
        # A node that is interrupted ends with an error, which says nothing about the node.
        if not self.cancelled:
            self.connection.send({"id": self.id, "type": "event", "event": event})

    def result(self, result):
        self.connection.send({"id": self.id, "type": "result", "result": result})

    def error(self, code, message, detail=None):
        error = {"code": code, "message": message}
        if detail:
            error["detail"] = detail
        self.connection.send({"id": self.id, "type": "error", "error": error})


class Server:
    """Accepts clients. What is quick is answered at once; work is queued, since dbt does one thing at a time."""

    def __init__(self, path, token, hello, quick):
        self._token = token
        self._hello = hello
        self._quick = quick
        self.work = queue.Queue()
        self.current = None
        self.on_cancel = lambda request: None
        # Whether the request under way works on this machine only, so that a process that uses no time is stuck.
        self.local = False
        self._pending = {}
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        previous = os.umask(0o177)
        try:
            self._socket.bind(path)
        finally:
            os.umask(previous)
        self._socket.listen(16)

    def start(self):
        for work in (self._accept, self._beat):
            threading.Thread(target=work, daemon=True, name=work.__name__).start()

    def done(self, request):
        with self._lock:
            self._pending.pop((id(request.connection), request.id), None)

    def _beat(self):
        """Tells who waits for an answer that the engine lives, and how much processor time it has used."""
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            times = os.times()
            beat = {"type": "heartbeat", "cpuMs": round((times.user + times.system) * 1000), "local": self.local}
            with self._lock:
                waiting = list(self._pending.values())
            for request in waiting:
                request.connection.send({**beat, "id": request.id})

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Connection(sock),), daemon=True, name="client").start()

    def _serve(self, connection):
        try:
            lines = connection.lines()
            if self._greet(connection, next(lines, None)):
                for line in lines:
                    self._take(connection, line)
        except (OSError, ValueError, KeyError, TypeError):
            # A client that does not speak the protocol is let go.
            pass
        finally:
            connection.close()
            self._drop(connection)

    def _greet(self, connection, line):
        document = json.loads(line) if line else {}
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

    def _take(self, connection, line):
        document = json.loads(line)
        request = Request(connection, document)
        if request.op == "cancel":
            self._cancel(connection, document.get("request"))
            request.result({})
        elif request.op in self._quick:
            request.result(self._quick[request.op](request))
        else:
            with self._lock:
                self._pending[(id(connection), request.id)] = request
            self.work.put(request)

    def _cancel(self, connection, request_id):
        with self._lock:
            request = self._pending.get((id(connection), request_id))
        if request is not None:
            request.cancelled = True
            self.on_cancel(request)

    def _drop(self, connection):
        with self._lock:
            gone = [request for key, request in self._pending.items() if key[0] == id(connection)]
        for request in gone:
            request.cancelled = True
            self.on_cancel(request)
