"""Nodes that the last build left up to date, so that the next one only compares what may have become stale since.

A node that was up to date when a build began, and is downstream of nothing that it may have run, is still up to date as long as
everything that decided this is the same: the records, the database, the environment, the parse, its fingerprint and those of
everything upstream. Only then is it settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbt.graph.graph import UniqueId

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.graph.graph import Graph

    from meetup_engine.build.build_state import BuildState
    from meetup_engine.build.fingerprints import Fingerprint, Fingerprints
    from meetup_engine.build.node_states import DatabaseSnapshot
    from meetup_engine.project.project import Project


@dataclass(frozen=True)
class Basis:
    """What decides whether a node is up to date, apart from fingerprints."""

    parses: int
    fingerprints: Fingerprints
    snapshot: DatabaseSnapshot
    # The text of the build state.
    records: str | None
    # Hashes of the environment variables that any node read during its last run.
    environment: Mapping[str, str | None]

    @classmethod
    def of(cls, session: Project, fingerprints: Fingerprints, snapshot: DatabaseSnapshot, state: BuildState) -> Basis:
        names = {name for record in state.records.values() for name in record.environment}
        return cls(session.parses, fingerprints, snapshot, state.text, session.environment.values_of(names))

    def is_still(self, other: Basis) -> bool:
        return (
            self.parses == other.parses
            and self.fingerprints is other.fingerprints
            and self.snapshot is other.snapshot
            and self.records is not None
            and self.records == other.records
            and self.environment == other.environment
        )


@dataclass(frozen=True)
class Settled:
    """The nodes that one build left up to date, and what this depends on."""

    nodes: Set[str]
    parts: Mapping[str, Fingerprint]
    basis: Basis

    def still(self, basis: Basis, parts: Mapping[str, Fingerprint], manifest: Manifest, graph: Graph) -> Set[str]:
        """Those of the nodes that need not be compared again, now that these are the fingerprints of all nodes."""
        if not self.basis.is_still(basis) or parts.keys() != self.parts.keys():
            return frozenset()
        changed = {unique_id for unique_id, part in parts.items() if self.parts[unique_id] is not part}
        return self.nodes - with_all_below(changed, manifest, graph)


def settled_by(
    basis: Basis, parts: Mapping[str, Fingerprint], touched: Set[str], manifest: Manifest, graph: Graph
) -> Settled:
    """What a build leaves up to date that compared all nodes and may have run these. They include everything downstream of them."""
    unclear = {name for name, part in parts.items() if part.volatile or part.any_environment or part.reads_files}
    return Settled(parts.keys() - touched - with_all_below(unclear, manifest, graph), parts, basis)


def with_all_below(nodes: Set[str], manifest: Manifest, graph: Graph) -> set[str]:
    """These nodes, everything downstream of them, and the unit tests of all that, which read the columns of what is upstream."""
    reached = set(nodes)
    for unique_id in nodes:
        if graph.graph.has_node(unique_id):
            reached |= graph.descendants(UniqueId(unique_id))
    for unique_id, test in manifest.unit_tests.items():
        if test.depends_on.nodes[0] in reached:
            reached.add(unique_id)
    return reached
