"""
Moves a whole project into schemas of its own, so that unit tests on a target touch nothing that is deployed there.

The prefix goes in front of every schema, whatever the project's `generate_schema_name` says, and of every source's schema. Hooks
don't run, because they may write anywhere. And as macros may too, every statement is checked before it is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.artifacts.resources.types import NodeType

from meetup_engine.project import written_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest

# They would hold rows of which no unit test needs any: a view costs a tenth of a Delta table.
_HOLD_ROWS = ("table", "incremental")


def with_prefix(schema: str, prefix: str) -> str:
    """A schema's name in the project's own schemas."""
    return schema if schema.startswith(prefix) else prefix + schema


def move(manifest: Manifest, prefix: str, config: RuntimeConfig, adapter: BaseAdapter) -> None:
    """Changes all nodes and sources in place, except those that have already been changed."""
    placed: Iterable[Any] = [*manifest.nodes.values(), *manifest.sources.values(), *manifest.unit_tests.values()]
    for node in placed:
        node.schema = with_prefix(node.schema, prefix)
        if getattr(node, "relation_name", None):
            node.relation_name = str(adapter.Relation.create_from(config, node))
        if node.resource_type in (NodeType.Model, NodeType.Seed, NodeType.Snapshot):
            node.config.pre_hook = []
            node.config.post_hook = []
        if node.resource_type == NodeType.Model and node.config.materialized in _HOLD_ROWS:
            node.config.materialized = "view"


def guard(adapter: BaseAdapter, prefix: str) -> None:
    """Makes the adapter refuse statements that write to other schemas."""
    written_schemas.guard(
        adapter,
        lambda schema: schema.startswith(prefix),
        f"On this target, unit tests only write to schemas that begin with {prefix}",
    )
