"""Finds the differences between the project and the deployed manifest, with dbt's reasons (`state:modified`)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.contracts.state import PreviousState
from dbt.graph.graph import UniqueId
from dbt.graph.selector_methods import StateSelectorMethod
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.project.elsewhere import elsewhere
from meetup_engine.project.names import called
from meetup_engine.timing import ms_since

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode

    from meetup_engine.project.project import Project
    from meetup_engine.protocol.messages import ChangesAnswer, DeployedNode, DeployedSource
    from meetup_engine.protocol.wire import Request
    from meetup_engine.unit_tests.operations import Refresh, SessionOf

# dbt's reasons, the most specific one first.
_REASONS = ("new", "modified.body", "modified.contract", "modified.relation", "modified.configs", "modified.macros",
            "modified.persisted_descriptions")  # fmt: skip
_DEPLOYED = (NodeType.Model, NodeType.Snapshot, NodeType.Seed, NodeType.Test)


def operation(session_of: SessionOf, refresh: Refresh) -> Mapping[str, Callable[[Request], ChangesAnswer]]:
    """The `changes` operation of the worker."""

    def changes(request: Request) -> ChangesAnswer:
        started = time.perf_counter()
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            return {
                "status": "invalid",
                "problems": found,
                "nodes": [],
                "sources": [],
                "ms": {"total": ms_since(started)},
            }
        document = request.document
        path = document.get("manifestFile")
        if path:
            _write(session.manifest, path)
        reasons = _reasons(session, document.get("deployedDir"))
        fingerprints = fingerprints_of(session, session.manifest, session.config)
        not_local = elsewhere(session.manifest, "duckdb")
        nodes = [
            _described(node, fingerprints.of(unique_id), reasons.get(unique_id), not_local.get(unique_id))
            for unique_id, node in session.manifest.nodes.items()
            if node.resource_type in _DEPLOYED
        ]
        sources: list[DeployedSource] = [
            {
                "uniqueId": unique_id,
                "database": source.database,
                "schema": source.schema,
                "name": source.identifier,
            }
            for unique_id, source in session.manifest.sources.items()
        ]
        return {
            "status": "pass",
            "problems": [],
            "nodes": nodes,
            "sources": sources,
            "ms": {"total": ms_since(started)},
        }

    return {"changes": changes}


def _described(node: ManifestNode, fingerprint: str | None, reason: str | None, not_local: str | None) -> DeployedNode:
    return {
        "uniqueId": node.unique_id,
        "name": called(node),
        "resourceType": str(node.resource_type),
        "schema": node.schema,
        "relation": _relation_name(node),
        "publishedIn": _published_in(node),
        "description": _persisted_description(node),
        "materialized": node.config.materialized,
        "access": str(getattr(node, "access", "") or ""),
        "dependsOn": list(node.depends_on_nodes),
        "fingerprint": fingerprint,
        "change": reason,
        "notLocal": not_local,
    }


def _relation_name(node: ManifestNode) -> str | None:
    if node.resource_type == NodeType.Test or node.is_ephemeral_model:
        return None
    return node.identifier


def _published_in(node: ManifestNode) -> str | None:
    """The schema in which readers find it, if that isn't its own."""
    schema = node.config.meta.get("published_in") if _relation_name(node) else None
    return str(schema) if schema and str(schema) != node.schema else None


def _persisted_description(node: ManifestNode) -> str:
    persisted = getattr(node.config, "persist_docs", None) or {}
    return node.description if persisted.get("relation") else ""


def _reasons(session: Project, folder: str | None) -> dict[str, str]:
    """The reason why dbt considers a node modified, by unique id. Without a deployment, every node is new."""
    manifest = session.manifest
    if not folder:
        return dict.fromkeys(manifest.nodes, "new")
    previous = PreviousState(Path(folder), Path(session.settings.target_path), Path(session.settings.project_dir))
    method = StateSelectorMethod(manifest, previous, [])
    reasons: dict[str, str] = {}
    for unique_id, node in manifest.nodes.items():
        if node.resource_type not in _DEPLOYED:
            continue
        try:
            if previous.manifest is None or unique_id not in previous.manifest.nodes:
                reasons[unique_id] = "new"
            elif next(iter(method.search({UniqueId(unique_id)}, "modified")), None):
                reasons[unique_id] = _first_reason(method, unique_id)
        except DbtBaseException:
            # dbt raises an error for breaking changes of contracts. Whether to make them is the user's decision.
            reasons[unique_id] = "modified.contract"
    return reasons


def _first_reason(method: StateSelectorMethod, unique_id: str) -> str:
    for reason in _REASONS[1:]:
        if next(iter(method.search({UniqueId(unique_id)}, reason)), None):
            return reason
    return "modified"


def _write(manifest: Manifest, path: str) -> None:
    """Atomically writes dbt's manifest.json."""
    artifact: WritableManifest = manifest.writable_manifest()
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    os.close(descriptor)
    artifact.write(temporary)
    os.replace(temporary, path)
