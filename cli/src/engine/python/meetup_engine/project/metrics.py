"""The engine's operation `metrics`: what metrics there are, and their definitions for MetricFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dbt.contracts.graph.semantic_manifest import SemanticManifest

from meetup_engine.project.names import called
from meetup_engine.timing import ms_since

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import Metric
    from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest

    from meetup_engine.protocol.messages import MetricInfo, MetricsAnswer
    from meetup_engine.protocol.wire import Request
    from meetup_engine.unit_tests.operations import Refresh, SessionOf


def definitions_of(manifest: Manifest) -> PydanticSemanticManifest:
    """What dbt writes as semantic_manifest.json."""
    return SemanticManifest(manifest)._get_pydantic_semantic_manifest()


def operation(session_of: SessionOf, refresh: Refresh) -> Mapping[str, Callable[[Request], MetricsAnswer]]:
    """The `metrics` operation of the worker."""

    def metrics(request: Request) -> MetricsAnswer:
        started = time.perf_counter()
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            nothing: MetricsAnswer = {
                "status": "invalid",
                "problems": found,
                "metrics": [],
                "definitions": "{}",
                "ms": {"total": ms_since(started)},
            }
            return nothing
        manifest = session.manifest
        return {
            "status": "pass",
            "problems": [],
            "metrics": [_described(metric, manifest) for metric in manifest.metrics.values()],
            "definitions": definitions_of(manifest).json(),
            "ms": {"total": ms_since(started)},
        }

    return {"metrics": metrics}


def _described(metric: Metric, manifest: Manifest) -> MetricInfo:
    models = [manifest.nodes[node] for node in models_of(metric, manifest)]
    group = metric.group or next((model.group for model in models if getattr(model, "group", None)), None)
    return {
        "name": metric.name,
        "label": metric.label,
        "description": " ".join(metric.description.split()),
        "type": str(metric.type),
        "owner": _owner_of(group, manifest),
        "models": [called(model) for model in models],
        "file": metric.original_file_path,
    }


def models_of(metric: Metric, manifest: Manifest) -> list[str]:
    """The unique ids of the dbt models that a metric is computed from: of its semantic models, and of the metrics in it."""
    found: dict[str, None] = {}
    pending = list(metric.depends_on_nodes)
    seen: set[str] = set()
    while pending:
        node = pending.pop(0)
        if node in seen:
            continue
        seen.add(node)
        if node in manifest.semantic_models:
            pending += manifest.semantic_models[node].depends_on_nodes
        elif node in manifest.metrics:
            pending += manifest.metrics[node].depends_on_nodes
        elif node in manifest.nodes:
            found[node] = None
    return list(found)


def _owner_of(group: str | None, manifest: Manifest) -> str | None:
    owner = next((one.owner for one in manifest.groups.values() if one.name == group), None)
    if owner is None:
        return None
    email = owner.email[0] if isinstance(owner.email, list) else owner.email
    return owner.name or email or group
