"""The part of a manifest that determines dbt's graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from dbt.contracts.graph.manifest import Manifest


def structure_of(manifest: Manifest, add_test_edges: bool) -> Hashable:
    """Manifests with equal structures have equal graphs."""
    kinds: tuple[Mapping[str, object], ...] = (
        manifest.sources,
        manifest.nodes,
        manifest.semantic_models,
        manifest.exposures,
        manifest.functions,
        manifest.metrics,
        manifest.unit_tests,
        manifest.saved_queries,
    )
    members = tuple(
        tuple(
            (unique_id, getattr(node, "resource_type", None), tuple(getattr(node, "depends_on_nodes", ())))
            for unique_id, node in kind.items()
        )
        for kind in kinds
    )
    return (add_test_edges, members)
