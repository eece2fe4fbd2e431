"""
Which macros a thread calls. dbt notes only the outermost ones, and none that is handed over as a value.

`MacroGenerator.call_macro` is the one place that every macro's call goes through.
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
    """As dbt's own."""
    called: set[str] | None = getattr(_listening, "called", None)
    if called is not None:
        called.add(vars(self.macro)["unique_id"])
    result: object = _call_macro(self, *args, **kwargs)
    return result


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
    """Gathers the unique ids of the macros that this thread calls meanwhile."""
    before: set[str] | None = getattr(_listening, "called", None)
    called: set[str] = set()
    _listening.called = called
    try:
        yield called
    finally:
        _listening.called = before


PATCH = Patch(
    name="calls",
    why="what a node is made from includes the macros that it calls in ways that dbt does not note",
    gain="not speed: a change of such a macro builds the node again",
    replaces=(Replacement(Symbol("dbt.clients.jinja:MacroGenerator.call_macro", "7315129c1cd72f9e"), call_macro),),
)
