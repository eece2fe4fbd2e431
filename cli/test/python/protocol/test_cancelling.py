"""A cancellation interrupts the work of its own request until it has ended, and nothing afterwards."""

import contextlib
import threading
import time
from dataclasses import dataclass

import pytest

from meetup_engine.protocol.cancelling import Cancellation, Cancelled


@dataclass
class Request:
    cancelled: bool = False


class Database:
    """Counts its interrupts. A query waits for one."""

    def __init__(self) -> None:
        self.interrupts = 0
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        self.interrupts += 1
        self._interrupted.set()

    def query(self) -> None:
        assert self._interrupted.wait(5)
        self._interrupted.clear()
        raise RuntimeError("INTERRUPT Error: Interrupted!")


def cancel(cancellation: Cancellation, request: Request) -> None:
    request.cancelled = True
    cancellation.cancel(request)


def interrupting_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "interrupt"]


def test_every_query_of_a_cancelled_request_is_interrupted() -> None:
    database, request = Database(), Request()
    cancellation = Cancellation(database.interrupt)

    def work() -> None:
        with cancellation.honoured(request):
            cancel(cancellation, request)
            for _ in range(3):
                with contextlib.suppress(RuntimeError):
                    database.query()
            database.query()

    with pytest.raises(Cancelled):
        work()
    assert interrupting_threads() == []


def test_nothing_is_interrupted_after_the_work_has_ended() -> None:
    database, request = Database(), Request()
    cancellation = Cancellation(database.interrupt)
    with pytest.raises(Cancelled), cancellation.honoured(request):
        cancel(cancellation, request)
    before = database.interrupts
    cancellation.cancel(request)
    time.sleep(0.2)
    assert database.interrupts == before


def test_a_request_that_was_cancelled_before_does_not_start() -> None:
    cancellation = Cancellation(Database().interrupt)
    begun = False
    with pytest.raises(Cancelled), cancellation.honoured(Request(cancelled=True)):
        begun = True
    assert not begun


def test_cancelling_one_request_does_not_affect_another() -> None:
    database = Database()
    cancellation = Cancellation(database.interrupt)
    with cancellation.honoured(Request()):
        cancel(cancellation, Request())
        time.sleep(0.1)
    assert database.interrupts == 0
    assert interrupting_threads() == []


def test_an_error_of_work_that_was_not_cancelled_is_raised_unchanged() -> None:
    cancellation = Cancellation(Database().interrupt)
    with pytest.raises(ValueError, match="its own"), cancellation.honoured(Request()):
        raise ValueError("its own")


def test_cancelling_at_any_time_leaves_no_thread_and_never_affects_the_next_request() -> None:
    database = Database()
    cancellation = Cancellation(database.interrupt)
    for attempt in range(300):
        request = Request()
        canceller = threading.Timer(attempt % 7 / 10_000, cancel, (cancellation, request))
        canceller.start()
        try:
            with cancellation.honoured(request):
                time.sleep(attempt % 5 / 10_000)
        except Cancelled:
            pass
        before = database.interrupts
        with cancellation.honoured(Request()):
            canceller.join()
        assert database.interrupts == before
    assert interrupting_threads() == []
