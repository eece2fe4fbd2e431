"""Handles dbt's log events: the few that users should see go to the current request, all others are dropped early."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, EventLevel, EventMsg
from dbt_common.events.event_manager import EventManager

from meetup_engine.protocol.messages import Json

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ParsedNode

# Output of print() and log(…, info=True) in models.
AUTHOR_EVENTS = frozenset({"PrintEvent", "JinjaLogInfo", "JinjaLogWarning"})
# Already part of the request's result.
IN_THE_RESULT = frozenset({"LogTestResult", "LogModelResult", "LogSnapshotResult", "NothingToDo"})


class _Info(Protocol):
    """The fields of every dbt event; dbt's own type lacks the text."""

    name: str
    level: str
    msg: str


class EngineEvents(EventManager):
    """
    Drops events that nobody listens to before dbt builds their message, because dbt fires dozens of debug events per node.
    Warnings are handled by dbt (its warn-error options).
    """

    def __init__(self) -> None:
        super().__init__()
        self.listener: Callable[[Json], None] | None = None
        self.add_callback(self._send)

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: ParsedNode | None = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        name = type(e).__name__
        wanted = name in AUTHOR_EVENTS or force_warn_or_error_handling
        if not wanted and (level or e.level_tag()) != EventLevel.WARN:
            return
        super().fire_event(e, level, node, force_warn_or_error_handling)

    def _send(self, msg: EventMsg) -> None:
        info = cast(_Info, msg.info)
        if self.listener is not None and info.name not in IN_THE_RESULT:
            level = "warn" if info.level == "warn" else "info"
            self.listener({"event": "log", "level": level, "name": info.name, "message": info.msg})


def install() -> EngineEvents:
    """Replaces dbt's event manager with the engine's."""
    events = EngineEvents()
    event_manager_client.ctx_set_event_manager(events)
    return events
