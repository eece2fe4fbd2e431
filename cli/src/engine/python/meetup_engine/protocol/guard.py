"""Makes sure that the engine never outlives the process that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 2


def die_with_parent(pipe: int, before_end: Callable[[], None] = lambda: None) -> None:
    """
    Ends this process when its parent is gone: when the parent's end of `pipe` closes (all platforms), by a signal from the
    kernel (Linux), and by polling the parent's id, in case another child of the parent still holds the pipe.
    """
    parent = os.getppid()
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)

    def end() -> None:
        try:
            before_end()
        finally:
            os._exit(0)

    def wait_for_end_of_pipe() -> None:
        while True:
            try:
                if not os.read(pipe, 4096):
                    break
            except InterruptedError:
                continue
            except OSError:
                break
        end()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        end()

    for work in (wait_for_end_of_pipe, watch_parent):
        threading.Thread(target=work, daemon=True, name=work.__name__).start()
