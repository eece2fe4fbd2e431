"""
Records which macros a thread calls. dbt itself only records the outermost ones, and none that is passed as a value.

Every call of a macro goes through `MacroGenerator.call_macro`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from dbt.clients.jinja import MacroGenerator

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_call_macro = MacroGenerator.call_macro
_listening = threading.local()


def call_macro(self: MacroGenerator, *args: Any, **kwargs: Any) -> object:
    """dbt's method, with recording."""
    called: set[str] | None = getattr(_listening, "called", None)
    if called is not None:
        called.add(vars(self.macro)["unique_id"])
    result: object = _call_macro(self, *args, **kwargs)
    return result


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
    """Collects the unique ids of the macros that this thread calls inside the context."""
    before: set[str] | None = getattr(_listening, "called", None)
    called: set[str] = set()
    _listening.called = called
    try:
        yield called
    finally:
        _listening.called = before


PATCH = Patch(
    name="calls",
    why="nodes depend on macros that they call in ways that dbt doesn't record",
    gain="not speed: a change to such a macro rebuilds the node",
    replaces=(Replacement(Symbol("dbt.clients.jinja:MacroGenerator.call_macro", "7315129c1cd72f9e"), call_macro),),
)
