"""What reads models without being one: exposures, metrics and data tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.contracts.graph.manifest import Manifest

    from meetup_engine.protocol.messages import LineageReader


def readers_of(manifest: Manifest) -> Iterator[LineageReader]:
    """Everything in a manifest that reads models, in the protocol's format."""
    for exposure in manifest.exposures.values():
        email = exposure.owner.email
        yield {
            "uniqueId": exposure.unique_id,
            "name": exposure.label or exposure.name,
            "resourceType": "exposure",
            "dependsOn": list(exposure.depends_on_nodes),
            "column": None,
            "owner": exposure.owner.name or (email[0] if isinstance(email, list) else email),
            "url": exposure.url,
        }
    for metric in manifest.metrics.values():
        yield _reader(metric.unique_id, metric.label or metric.name, "metric", metric.depends_on_nodes)
    for model in manifest.semantic_models.values():
        yield _reader(model.unique_id, model.name, "semantic_model", model.depends_on_nodes)
    for node in manifest.nodes.values():
        if node.resource_type == NodeType.Test:
            column, tested = getattr(node, "column_name", None), getattr(node, "attached_node", None)
            reads = [tested] if column and tested else node.depends_on_nodes
            yield _reader(node.unique_id, node.name, "test", reads, column)


def _reader(
    unique_id: str, name: str, resource_type: str, reads: list[str], column: str | None = None
) -> LineageReader:
    return {
        "uniqueId": unique_id,
        "name": name,
        "resourceType": resource_type,
        "dependsOn": list(reads),
        "column": column.lower() if column else None,
        "owner": None,
        "url": None,
    }
