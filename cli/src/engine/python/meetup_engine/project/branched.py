"""
Moves some nodes into the schemas of a branch during one task. What they read stays where it is, unless it is moved too.

The suffix goes behind the schema that the project's own `generate_schema_name` chose. Hooks of the run don't run, because they are
about the target as a whole. Hooks of models do, but as they and macros may write anywhere, every statement is checked before it is sent.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from dbt.adapters.factory import get_adapter

from meetup_engine.project import written_schemas

if TYPE_CHECKING:
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest

    from meetup_engine.protocol.messages import BranchPlace


@contextlib.contextmanager
def moved(manifest: Manifest, place: BranchPlace | None, config: RuntimeConfig) -> Iterator[None]:
    """
    Moves the named nodes and sources, and refuses to write elsewhere, until the end of the context. The manifest's nodes must be
    borrowed ones; its sources are copied here.
    """
    if place is None:
        yield
        return
    adapter: Any = get_adapter(config)
    suffix = place["suffix"]
    sources = manifest.sources
    manifest.sources = {unique_id: copy.copy(source) for unique_id, source in sources.items()}
    _move(
        [*_named(manifest.nodes, place["nodes"]), *_named(manifest.sources, place["sources"])], suffix, config, adapter
    )
    # Where failing rows of tests are stored, they are the branch's own.
    restore = written_schemas.guard(
        adapter,
        lambda schema: schema.endswith(suffix.lower()),
        f"A branch only writes to schemas that end with {suffix}",
    )
    try:
        yield
    finally:
        restore()
        manifest.sources = sources


def _named(found: Any, unique_ids: Collection[str]) -> list[Any]:  # noqa: ANN401 - nodes and sources of all kinds
    return [found[unique_id] for unique_id in unique_ids]


def _move(nodes: list[Any], suffix: str, config: RuntimeConfig, adapter: BaseAdapter) -> None:
    for node in nodes:
        node.schema = node.schema + suffix
        if getattr(node, "relation_name", None):
            node.relation_name = str(adapter.Relation.create_from(config, node))
