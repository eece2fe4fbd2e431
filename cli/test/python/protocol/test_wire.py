from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meetup_engine.protocol import wire

TOKEN = "a-token"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[wire.Server]:
    server = wire.Server(
        str(tmp_path / "engine.sock"),
        TOKEN,
        hello=lambda: {"ready": True},
        quick={"ping": lambda request: {"pong": request.id}},
    )
    server.start()
    yield server
    server._socket.close()


class Client:
    """A client of the protocol that sends and reads single lines."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(5)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode() + b"\n")

    def ask(self, **document: object) -> dict[str, Any]:
        self.send(json.dumps(document))
        answer = json.loads(self._lines.readline())
        assert isinstance(answer, dict)
        return answer

    def is_disconnected(self) -> bool:
        return self._lines.readline() == b""

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@pytest.fixture
def stranger(server: wire.Server, tmp_path: Path) -> Iterator[Client]:
    client = Client(str(tmp_path / "engine.sock"))
    yield client
    client.close()


@pytest.fixture
def client(stranger: Client) -> Client:
    stranger.ask(id=0, op="hello", token=TOKEN, protocol=wire.PROTOCOL)
    return stranger


def test_a_client_with_the_token_is_greeted(stranger: Client) -> None:
    answer = stranger.ask(id=0, op="hello", token=TOKEN, protocol=wire.PROTOCOL)
    assert answer == {"id": 0, "type": "result", "result": {"protocol": wire.PROTOCOL, "ready": True}}


@pytest.mark.parametrize("token", ["another", "", None, 7, "a-token\x00"])
def test_a_client_without_the_token_is_refused(stranger: Client, token: object) -> None:
    answer = stranger.ask(id=0, op="hello", token=token, protocol=wire.PROTOCOL)
    assert answer["error"]["code"] == "refused"
    assert stranger.is_disconnected()


def test_a_client_that_does_not_say_hello_first_is_refused(stranger: Client) -> None:
    assert stranger.ask(id=1, op="ping")["error"]["code"] == "refused"


def test_a_client_with_another_protocol_version_gets_the_engines_version(stranger: Client) -> None:
    error = stranger.ask(id=0, op="hello", token=TOKEN, protocol=wire.PROTOCOL + 1)["error"]
    assert error == {"code": "protocol", "message": f"The engine speaks protocol {wire.PROTOCOL}."}


def test_a_quick_operation_is_answered_while_other_work_waits(server: wire.Server, client: Client) -> None:
    client.send(json.dumps({"id": 1, "op": "build"}))
    assert client.ask(id=2, op="ping") == {"id": 2, "type": "result", "result": {"pong": 2}}
    assert server.work.get(timeout=5).op == "build"


@pytest.mark.parametrize(
    "line", ["not json", "[]", "7", "{}", '{"op": 7, "id": 1}', '{"op": "build"}', '{"op": "build", "id": "x"}']
)
def test_an_invalid_line_disconnects_the_client(server: wire.Server, client: Client, line: str) -> None:
    client.send(line)
    assert client.is_disconnected()
    assert server.work.empty()


def test_a_cancel_marks_the_named_request(server: wire.Server, client: Client) -> None:
    cancelled: list[int] = []
    server.on_cancel = lambda request: cancelled.append(request.id)
    client.send(json.dumps({"id": 1, "op": "build"}))
    request = server.work.get(timeout=5)
    assert server.take_up(request)
    assert client.ask(id=2, op="cancel", request=99)["result"] == {}
    assert cancelled == []
    assert client.ask(id=3, op="cancel", request=1)["result"] == {}
    assert request.cancelled
    assert cancelled == [1]


def test_a_waiting_request_is_answered_as_soon_as_it_is_cancelled(server: wire.Server, client: Client) -> None:
    cancelled: list[int] = []
    server.on_cancel = lambda request: cancelled.append(request.id)
    client.send(json.dumps({"id": 1, "op": "build"}))
    request = server.work.get(timeout=5)
    answer = client.ask(id=2, op="cancel", request=1)
    assert answer == {"id": 1, "type": "error", "error": {"code": "cancelled", "message": "The request was cancelled."}}
    assert not server.take_up(request)
    assert server.current is None
    assert cancelled == []


def test_the_work_of_a_client_that_disconnects_is_cancelled(server: wire.Server, client: Client) -> None:
    gone = threading.Event()
    server.on_cancel = lambda request: gone.set()
    client.send(json.dumps({"id": 1, "op": "build"}))
    request = server.work.get(timeout=5)
    assert server.take_up(request)
    client._socket.shutdown(socket.SHUT_RDWR)
    assert gone.wait(5)
    assert request.cancelled


def test_a_finished_request_can_no_longer_be_cancelled(server: wire.Server, client: Client) -> None:
    client.send(json.dumps({"id": 1, "op": "build"}))
    request = server.work.get(timeout=5)
    server.done(request)
    client.ask(id=2, op="cancel", request=1)
    assert not request.cancelled


def test_a_cancelled_request_sends_no_more_events(server: wire.Server, client: Client) -> None:
    client.send(json.dumps({"id": 1, "op": "build"}))
    request = server.work.get(timeout=5)
    request.cancelled = True
    request.event({"event": "started"})
    request.error("cancelled", "The request was cancelled.")
    answer = json.loads(client._lines.readline())
    assert answer == {"id": 1, "type": "error", "error": {"code": "cancelled", "message": "The request was cancelled."}}


def test_values_without_a_json_type_are_sent_as_text(server: wire.Server, client: Client) -> None:
    client.send(json.dumps({"id": 1, "op": "build"}))
    server.work.get(timeout=5).result({"path": Path("/a/b")})
    assert json.loads(client._lines.readline())["result"] == {"path": "/a/b"}


def test_only_the_owner_can_access_the_socket(server: wire.Server, tmp_path: Path) -> None:
    assert (tmp_path / "engine.sock").stat().st_mode & 0o077 == 0
