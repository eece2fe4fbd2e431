"""dbt's log events: the few that people should see go to the request under way, the many others cost nothing."""

from dbt_common.events import event_manager_client
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager

# What a model's author prints with print() and log(…, info=True).
AUTHOR_EVENTS = frozenset({"PrintEvent", "JinjaLogInfo", "JinjaLogWarning"})
# Said in the result of the request already.
SAID_ELSEWHERE = frozenset({"LogTestResult", "LogModelResult", "LogSnapshotResult", "NothingToDo"})


class EngineEvents(EventManager):
    """
    Drops what nobody listens to before dbt builds a message of it: dbt fires dozens of debug events per node.
    Warnings keep dbt's own handling (warn-error options).
    """

    def __init__(self):
        super().__init__()
        self.listener = None
        self.add_callback(self._tell)

    def fire_event(self, e, level=None, node=None, force_warn_or_error_handling=False):
        name = type(e).__name__
        wanted = name in AUTHOR_EVENTS or force_warn_or_error_handling
        if not wanted and (level or e.level_tag()) != EventLevel.WARN:
            return
        super().fire_event(e, level, node, force_warn_or_error_handling)

    def _tell(self, msg):
        if self.listener is not None and msg.info.name not in SAID_ELSEWHERE:
            level = "warn" if msg.info.level == "warn" else "info"
            self.listener({"event": "log", "level": level, "name": msg.info.name, "message": msg.info.msg})


def install():
    """Puts the engine's event manager in the place of dbt's."""
    events = EngineEvents()
    event_manager_client.ctx_set_event_manager(events)
    return events
