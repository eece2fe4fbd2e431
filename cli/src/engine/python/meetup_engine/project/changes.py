"""What of a project differs from the manifest that was deployed, and why, in dbt's own terms (`state:modified`)."""

import os
import tempfile
import time
from pathlib import Path

from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.contracts.state import PreviousState
from dbt.graph.selector_methods import StateSelectorMethod
from dbt.node_types import NodeType
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build.fingerprints import fingerprints_of

# dbt's reasons, the one that says most first.
_REASONS = ("new", "modified.body", "modified.contract", "modified.relation", "modified.configs", "modified.macros",
            "modified.persisted_descriptions")  # fmt: skip
_DEPLOYED = (NodeType.Model, NodeType.Snapshot, NodeType.Seed, NodeType.Test)


def operation(session_of, refresh):
    """The `changes` operation of the worker."""

    def changes(request):
        started = time.perf_counter()
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "nodes": [], "sources": [], "ms": _ms(started)}
        document = request.document
        if document.get("manifestFile"):
            _write(session.manifest, document["manifestFile"])
        reasons = _reasons(session, document.get("deployedDir"))
        fingerprints = fingerprints_of(session, session.manifest, session.config)
        nodes = [
            _described(node, fingerprints.of(unique_id), reasons.get(unique_id))
            for unique_id, node in session.manifest.nodes.items()
            if node.resource_type in _DEPLOYED
        ]
        sources = [
            {"uniqueId": unique_id, "schema": source.schema, "name": source.identifier}
            for unique_id, source in session.manifest.sources.items()
        ]
        return {"status": "pass", "problems": [], "nodes": nodes, "sources": sources, "ms": _ms(started)}

    return {"changes": changes}


def _described(node, fingerprint, reason):
    return {
        "uniqueId": node.unique_id,
        "name": node.name,
        "resourceType": str(node.resource_type),
        "schema": node.schema,
        "relation": _relation_name(node),
        "materialized": node.config.materialized,
        "access": str(getattr(node, "access", "") or ""),
        "dependsOn": list(node.depends_on_nodes),
        "fingerprint": fingerprint,
        "change": reason,
    }


def _relation_name(node):
    if node.resource_type == NodeType.Test or node.is_ephemeral_model:
        return None
    return node.identifier


def _reasons(session, folder):
    """unique id → why dbt calls it modified. Everything is new where nothing was deployed."""
    manifest = session.manifest
    if not folder:
        return dict.fromkeys(manifest.nodes, "new")
    previous = PreviousState(Path(folder), Path(session.settings.target_path), Path(session.settings.project_dir))
    method = StateSelectorMethod(manifest, previous, [])
    reasons = {}
    for unique_id, node in manifest.nodes.items():
        if node.resource_type not in _DEPLOYED:
            continue
        try:
            if unique_id not in previous.manifest.nodes:
                reasons[unique_id] = "new"
            elif next(iter(method.search({unique_id}, "modified")), None):
                reasons[unique_id] = _first_reason(method, unique_id)
        except DbtBaseException:
            # dbt raises where a contract is broken that others rely on: a person's decision, not a reason to stop here.
            reasons[unique_id] = "modified.contract"
    return reasons


def _first_reason(method, unique_id):
    for reason in _REASONS[1:]:
        if next(iter(method.search({unique_id}, reason)), None):
            return reason
    return "modified"


def _write(manifest, path):
    """dbt's manifest.json, whole or not at all."""
    artifact: WritableManifest = manifest.writable_manifest()
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    os.close(descriptor)
    artifact.write(temporary)
    os.replace(temporary, path)


def _ms(started):
    return {"total": round((time.perf_counter() - started) * 1000, 2)}
