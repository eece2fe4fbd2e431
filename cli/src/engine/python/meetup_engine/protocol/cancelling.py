"""Cancels requests cleanly.

Raising an exception in another thread isn't safe: it may arrive between any two instructions, for example while a lock is held
or a thread is being started. Instead, cancelling does two things:

1. It marks the request. Its work checks the mark (`request.cancelled`) between steps and ends.
2. It interrupts the database's queries repeatedly until the work has ended: a step may be a long query, and a query may start
   just after the mark was checked.

The interrupting thread is started for one request, and is joined before that request is answered.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

INTERRUPT_EVERY_SECONDS = 0.05


class Cancellable(Protocol):
    """The part of a request that cancelling needs."""

    cancelled: bool


class Cancelled(KeyboardInterrupt):
    """Raised by work whose request is cancelled. Not an Exception, since dbt has many `except Exception`."""


class Cancellation:
    """Interrupts the current work when its request is cancelled. `interrupt` may be called from any thread."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._work: _Work | None = None

    @contextlib.contextmanager
    def honoured(self, request: Cancellable) -> Iterator[None]:
        """
        A context for the work on a request. Once the request is cancelled, the work ends with `Cancelled`, even if it raised
        another error, which may just come from the interrupted query.
        """
        work = _Work(request, self._interrupt)
        # `cancel` marks the request before it looks for the work, so at least one of them sees the other.
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
        """Called after the request is marked. Doesn't affect any other request."""
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
            # The work continues in the meantime, and closes and opens connections.
            with contextlib.suppress(Exception):
                self._interrupt()
            self._ended.wait(INTERRUPT_EVERY_SECONDS)
