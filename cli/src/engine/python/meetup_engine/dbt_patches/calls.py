"""Which macros a thread calls. dbt notes only the outermost ones, and none that is handed over as a value.

Replaces `dbt.clients.jinja.MacroGenerator.call_macro`, the one place that every macro's call goes through.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from dbt.clients.jinja import MacroGenerator

_listening = threading.local()


def install() -> None:
    """Puts the listener in, once."""
    call_macro = MacroGenerator.call_macro
    if getattr(call_macro, "_listens", False):
        return

    def overheard(self: Any, *args: Any, **kwargs: Any) -> Any:
        called = getattr(_listening, "called", None)
        if called is not None:
            called.add(self.macro.unique_id)
        return call_macro(self, *args, **kwargs)

    overheard._listens = True  # type: ignore[attr-defined]
    MacroGenerator.call_macro = overheard


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
    """Gathers the unique ids of the macros that this thread calls meanwhile."""
    before = getattr(_listening, "called", None)
    _listening.called = called = set()
    try:
        yield called
    finally:
        _listening.called = before
