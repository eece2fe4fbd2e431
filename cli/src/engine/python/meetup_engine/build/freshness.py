"""The engine's operation `freshness`: the age of the sources' data, by dbt's own task."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dbt.adapters.factory import get_adapter
from dbt.artifacts.resources.types import RunHookType
from dbt.artifacts.schemas.freshness import SourceFreshnessResult
from dbt.contracts.graph.nodes import HookNode
from dbt.flags import set_flags
from dbt.graph.selector import ResourceTypeSelector
from dbt.task.freshness import FreshnessTask

from meetup_engine.protocol.cancelling import Cancelled
from meetup_engine.timing import ms_since

if TYPE_CHECKING:
    from dbt.artifacts.schemas.freshness import FreshnessNodeResult
    from dbt.contracts.graph.nodes import SourceDefinition

    from meetup_engine.project.project import Project
    from meetup_engine.protocol.messages import FreshnessAnswer, SourceFreshness, SourceIdentity
    from meetup_engine.protocol.wire import Request
    from meetup_engine.unit_tests.operations import Refresh, SessionOf


def operation(session_of: SessionOf, refresh: Refresh) -> Mapping[str, Callable[[Request], FreshnessAnswer]]:
    """The `freshness` operation of the worker. Reads the target's database and writes nothing."""

    def freshness(request: Request) -> FreshnessAnswer:
        started = time.perf_counter()
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "sources": [], "ms": {"total": ms_since(started)}}
        if request.cancelled:
            raise Cancelled()
        sources = freshness_of(session)
        return {"status": "pass", "problems": [], "sources": sources, "ms": {"total": ms_since(started)}}

    return {"freshness": freshness}


def freshness_of(session: Project) -> list[SourceFreshness]:
    """One entry for each source that has a freshness; `missing` if the database lacks its table."""
    declared = [source for source in session.manifest.sources.values() if source.has_freshness]
    if not declared:
        return []
    flags = session.flags("source freshness", ["--no-write-json", "--no-populate-cache"])
    set_flags(flags)
    session.acquire()
    config = session.run_config(flags)
    adapter = get_adapter(config)
    with adapter.connection_named("meetup_freshness"):
        there = {
            source.unique_id
            for source in declared
            if adapter.get_relation(source.database, source.schema, source.identifier) is not None
        }
    results: list[SourceFreshness] = [_missing(source) for source in declared if source.unique_id not in there]
    if there:
        task = ThoseThere(flags, config, session.manifest)
        task.there = frozenset(there)
        sources = session.manifest.sources
        results += [_described(sources[result.node.unique_id], result) for result in task.run().results]
    return sorted(results, key=lambda result: (result["source"], result["name"]))


class ThoseThere(FreshnessTask):
    """`dbt source freshness` of the sources that the database has."""

    there: frozenset[str] = frozenset()

    def get_hooks_by_type(self, hook_type: RunHookType) -> list[HookNode]:
        # dbt runs the project's hooks here too, which may write.
        return []

    def get_node_selector(self) -> ResourceTypeSelector:
        selector: ResourceTypeSelector = super().get_node_selector()
        matches, there = selector.node_is_match, self.there
        selector.node_is_match = lambda node: node.unique_id in there and matches(node)  # type: ignore[method-assign]
        return selector


def _identity(source: SourceDefinition) -> SourceIdentity:
    return {
        "uniqueId": source.unique_id,
        "source": source.source_name,
        "name": source.name,
        "file": source.original_file_path,
    }


def _missing(source: SourceDefinition) -> SourceFreshness:
    return {**_identity(source), "status": "missing", "newest": None, "ageSeconds": None, "message": None}


def _described(source: SourceDefinition, result: FreshnessNodeResult) -> SourceFreshness:
    newest, age = None, None
    if isinstance(result, SourceFreshnessResult):
        newest, age = result.max_loaded_at.isoformat(), result.age
    status, message = str(result.status), result.message
    return {**_identity(source), "status": status, "newest": newest, "ageSeconds": age, "message": message}
