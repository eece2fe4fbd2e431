"""What meetup can't run at all, and what only another engine than the target's can run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import ModelLanguage, NodeType

from meetup_engine.project.names import called

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode

    from meetup_engine.protocol.messages import Problem

# What `meta: {engine: …}` may say of a model.
ENGINES = ("duckdb", "databricks")


def refused(manifest: Manifest) -> list[Problem]:
    """The first model that meetup can't run on any target, or whose engine is none."""
    for node in manifest.nodes.values():
        why = _refusal(node) if node.resource_type == NodeType.Model else None
        if why is not None:
            file = node.original_file_path
            problem: Problem = {"kind": "unsupported", "file": file, "line": None, "message": why, "excerpt": None}
            return [problem]
    return []


def _refusal(node: ManifestNode) -> str | None:
    if getattr(node, "language", None) == ModelLanguage.python:
        return f"The model {called(node)} is a Python model, which meetup can't run: rewrite it in SQL, or disable it."
    if getattr(node.config, "incremental_strategy", None) == "microbatch":
        return (
            f"The model {called(node)} has the incremental strategy microbatch, which meetup can't run: "
            "choose another strategy, or disable it."
        )
    engine = engine_of(node)
    if engine is not None and engine not in ENGINES:
        return f"The model {called(node)} has meta.engine '{engine}', but that can only be {' or '.join(ENGINES)}."
    return None


def engine_of(node: ManifestNode) -> str | None:
    """The engine in whose dialect a model is written; None if it runs on all of them."""
    meta = getattr(node.config, "meta", None)
    engine = meta.get("engine") if isinstance(meta, Mapping) else None
    return None if engine is None else str(engine)


def elsewhere(manifest: Manifest, engine: str) -> dict[str, str]:
    """
    Every node that can't run on an engine: models written for another one, and everything downstream of them.
    @returns why, by unique id.
    """
    declared = {
        unique_id: f"it is written for {said}"
        for unique_id, node in manifest.nodes.items()
        if node.resource_type == NodeType.Model and (said := engine_of(node)) is not None and said != engine
    }
    if not declared:
        return {}
    below: dict[str, list[str]] = defaultdict(list)
    for unique_id, one in [*manifest.nodes.items(), *manifest.unit_tests.items()]:
        for above in one.depends_on_nodes:
            below[above].append(unique_id)
    found = dict(declared)
    pending = list(declared)
    while pending:
        above = pending.pop()
        for unique_id in below[above]:
            if unique_id not in found:
                found[unique_id] = f"it reads {called(manifest.nodes[above])}"
                pending.append(unique_id)
    return found
