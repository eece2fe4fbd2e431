"""What reads models without being one: exposures, metrics, semantic models and data tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType

from meetup_engine.lineage.metric_reads import MetricReads
from meetup_engine.project.metrics import models_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dbt.contracts.graph.manifest import Manifest

    from meetup_engine.protocol.messages import LineageReader


def readers_of(manifest: Manifest) -> Iterator[LineageReader]:
    """Everything in a manifest that reads models, in the protocol's format."""
    for exposure in manifest.exposures.values():
        email = exposure.owner.email
        yield {
            **_reader(exposure.unique_id, exposure.label or exposure.name, "exposure", exposure.depends_on_nodes),
            "owner": exposure.owner.name or (email[0] if isinstance(email, list) else email),
            "url": exposure.url,
        }
    reads = MetricReads(manifest)
    for metric in manifest.metrics.values():
        yield _reader(metric.unique_id, metric.name, "metric", models_of(metric, manifest), reads.of_metric(metric))
    for model in manifest.semantic_models.values():
        columns = reads.of_semantic_model(model)
        yield _reader(model.unique_id, model.name, "semantic_model", model.depends_on_nodes, columns)
    for node in manifest.nodes.values():
        if node.resource_type == NodeType.Test:
            column, tested = getattr(node, "column_name", None), getattr(node, "attached_node", None)
            if column and tested:
                yield _reader(node.unique_id, node.name, "test", [tested], [(tested, column.lower())])
            else:
                yield _reader(node.unique_id, node.name, "test", node.depends_on_nodes)


def _reader(
    unique_id: str,
    name: str,
    resource_type: str,
    models: Iterable[str],
    reads: Iterable[tuple[str, str]] | None = None,
) -> LineageReader:
    return {
        "uniqueId": unique_id,
        "name": name,
        "resourceType": resource_type,
        "dependsOn": list(models),
        "reads": None if reads is None else [{"node": node, "column": column} for node, column in reads],
        "owner": None,
        "url": None,
    }
