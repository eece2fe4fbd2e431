"""Cancelling a request without leaving anything behind.

Nothing is ever raised into a thread from outside: an exception that can arrive between any two instructions can also
arrive where a lock is held or a thread has just been started. A cancel does two things instead:

1. It marks the request. Its work looks at the mark between steps (`request.cancelled`) and comes to its end.
2. It interrupts the database's queries, again and again, until the work has ended: a step may be a long query, and a
   query may begin just after the mark was looked at.

The interrupting thread is started by the cancel, belongs to one request, and is joined before that request is answered.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

INTERRUPT_EVERY_SECONDS = 0.05


class Cancellable(Protocol):
    """A request, as far as cancelling is concerned."""

    cancelled: bool


class Cancelled(KeyboardInterrupt):
    """Raised by work that finds its request cancelled; `except Exception`, which dbt is full of, does not catch it."""


class Cancellation:
    """Interrupts the work under way when its request is cancelled. `interrupt` may be called from any thread."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._work: _Work | None = None

    @contextlib.contextmanager
    def honoured(self, request: Cancellable) -> Iterator[None]:
        """
        Work on a request. Whatever the work does once it is cancelled, it ends with `Cancelled`: an error may just be the
        query that was interrupted.
        """
        work = _Work(request, self._interrupt)
        # `cancel` marks the request before it looks for the work, so one of the two always sees the other.
        with self._lock:
            self._work = work
        try:
            if request.cancelled:
                raise Cancelled()
            yield
        except Exception as error:
            if request.cancelled:
                raise Cancelled() from error
            raise
        finally:
            with self._lock:
                self._work = None
            work.end()
        if request.cancelled:
            raise Cancelled()

    def cancel(self, request: Cancellable) -> None:
        """Called once the request is marked. Does nothing to any other request."""
        with self._lock:
            if self._work is not None and self._work.request is request:
                self._work.begin_interrupting()


class _Work:
    """The work on one request, and the thread that interrupts it."""

    def __init__(self, request: Cancellable, interrupt: Callable[[], None]) -> None:
        self.request = request
        self._interrupt = interrupt
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin_interrupting(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_interrupting, daemon=True, name="interrupt")
            self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _keep_interrupting(self) -> None:
        while not self._ended.is_set():
            # The work goes on meanwhile: it closes connections, and opens others.
            with contextlib.suppress(Exception):
                self._interrupt()
            self._ended.wait(INTERRUPT_EVERY_SECONDS)
