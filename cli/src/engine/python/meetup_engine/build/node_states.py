"""Compares what every node is built from now with its record of the last run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Set
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbt.adapters.factory import get_adapter
from dbt.artifacts.resources.types import NodeType
from dbt.contracts.graph.nodes import ModelNode
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build.build_state import BuildState, Record
from meetup_engine.build.compiled import statement_of
from meetup_engine.build.contents import digest, digest_of_columns
from meetup_engine.build.repeatable import is_repeatable
from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode, SourceDefinition

    from meetup_engine.build.contents import Columns, Contents, Place
    from meetup_engine.build.fingerprints import Fingerprint, Fingerprints
    from meetup_engine.project.project import Project

_STORED = frozenset({"table", "incremental", "snapshot", "seed"})
_RUNNABLE = frozenset({NodeType.Model, NodeType.Seed, NodeType.Snapshot, NodeType.Test})

# Hashes of compiled statements, by fingerprint.
_statements: LruCache[str, str] = LruCache(2048)


class DatabaseSnapshot:
    """The database at one moment: all columns, and the contents of the sources."""

    def __init__(self, contents: Contents, manifest: Manifest) -> None:
        self.columns: dict[Place, Columns] = contents.columns()
        self.sources: dict[str, str | None] = {
            unique_id: self._content(contents, source) for unique_id, source in manifest.sources.items()
        }

    def _content(self, contents: Contents, source: SourceDefinition) -> str | None:
        columns = self.columns.get((source.schema, source.identifier))
        if columns is None or source.relation_name is None:
            return None
        if any(name == "_batch_seq" for name, _ in columns):
            return contents.of_append_only(source.relation_name, columns)
        return contents.of_table(source.relation_name, columns)


class NodeStates:
    """Compares what every node is built from now with its record of the last run."""

    def __init__(
        self,
        session: Project,
        config: RuntimeConfig,
        manifest: Manifest,
        state: BuildState,
        fingerprints: Fingerprints,
        snapshot: DatabaseSnapshot,
        again: Iterable[str] = (),
    ) -> None:
        self._session = session
        self._config = config
        self._statements: dict[str, str | None] = {}
        # Finds the columns of unit tests' inputs; set by the caller.
        self.columns_in_memory: Callable[[str], Columns | None] = lambda unique_id: None
        self.manifest = manifest
        self.state = state
        self._fingerprints = fingerprints
        self._columns = snapshot.columns
        self._again = frozenset(again)
        self._lineage: dict[str, str] = {}
        # Contents of views, derived from what they read; cleared whenever something is built.
        self._derived: dict[str, str] = {}
        self._contents = snapshot.sources
        # Nodes that were rebuilt with the same content as before.
        self.unchanged: set[str] = set()

    def run_everything(self) -> None:
        """Marks every node to be run."""
        self._again = frozenset(self.executable())

    @cached_property
    def runnable(self) -> list[str]:
        """Everything that a build can run, including unit tests, on this target or another one."""
        nodes = [unique_id for unique_id, node in self.manifest.nodes.items() if node.resource_type in _RUNNABLE]
        return [*nodes, *self.manifest.unit_tests]

    def executable(self) -> list[str]:
        """Everything that a build on this target can run, including unit tests."""
        elsewhere = self._session.elsewhere()
        return [unique_id for unique_id in self.runnable if unique_id not in elsewhere] if elsewhere else self.runnable

    def parts(self, unique_id: str) -> Fingerprint:
        """The node's fingerprint, in parts."""
        return self._fingerprints.parts(unique_id)

    def gone(self) -> list[str]:
        """Ids of nodes that no longer exist, or whose relation has been renamed."""
        nodes, unit_tests = self.manifest.nodes, self.manifest.unit_tests
        return [
            unique_id
            for unique_id, record in self.state.records.items()
            if unique_id not in unit_tests
            and (unique_id not in nodes or _relation_of(nodes[unique_id]) != record.place)
        ]

    def leftovers(self, gone: Iterable[str]) -> list[Place]:
        """The relations of nodes that are gone, except for snapshots, which hold history, and those that other nodes build now."""
        places = [self.state.records[unique_id].place for unique_id in gone if not unique_id.startswith("snapshot.")]
        if not places:
            return []
        current = {_relation_of(node) for node in self.manifest.nodes.values()}
        return [place for place in places if place is not None and place not in current]

    def dropped(self, places: Iterable[Place]) -> None:
        """Records that these relations are no longer in the database."""
        for place in places:
            self._columns.pop(place, None)

    def identity(self, unique_id: str) -> str | None:
        """
        Identifies a node's definition to its dependents. It stays the same as at the last run as long as the compiled SQL is the
        same.
        """
        if unique_id in self.manifest.unit_tests:
            tested = self.manifest.unit_tests[unique_id].depends_on.nodes[0]
            return digest(self._fingerprints.parts(unique_id).whole, self.identity(tested))
        parts, record = self._fingerprints.parts(unique_id), self.state.records.get(unique_id)
        if record is not None and (parts.volatile or self._is_current(unique_id, record, parts)):
            return record.identity
        return parts.whole

    def _is_current(self, unique_id: str, record: Record, parts: Fingerprint) -> bool:
        """Whether the result of a node's last run corresponds to its current definition, regardless of its inputs."""
        if record.environment != self._session.environment.values_of(record.environment.keys()):
            return False
        if record.unforeseen and record.unforeseen_digest != self._fingerprints.digest_of(record.unforeseen):
            return False
        if record.definition == parts.whole:
            return True
        if record.surroundings != parts.surroundings or not parts.compilable or parts.volatile:
            return False
        if not self._has_same_statement(unique_id, record):
            return False
        record.definition = parts.whole
        return True

    def _has_same_statement(self, unique_id: str, record: Record) -> bool:
        """Whether a model compiles to the statement of its last run."""
        node = self.manifest.nodes.get(unique_id)
        if record.statement is None or node is None or node.resource_type != NodeType.Model:
            return False
        if unique_id not in self._statements:
            self._statements[unique_id] = self._statement(node)
        return self._statements[unique_id] == record.statement

    def _statement(self, node: ModelNode) -> str | None:
        """A hash of the compiled statement, kept for as long as the node's fingerprint determines it."""
        unique_id = node.unique_id
        fingerprint = self._fingerprints.of(unique_id) if self._fingerprints.renders_the_same(unique_id) else None
        if fingerprint is None or self._reads_ephemeral(node):
            return statement_of(node, self.manifest, self._config)
        known = _statements.get(fingerprint)
        if known is None:
            known = statement_of(node, self.manifest, self._config)
            if known is not None:
                _statements.put(fingerprint, known)
        return known

    def _reads_ephemeral(self, node: ModelNode) -> bool:
        """Whether its statement contains those of other models."""
        nodes = self.manifest.nodes
        return any(getattr(nodes.get(name), "is_ephemeral_model", False) for name in node.depends_on_nodes)

    def stale(self, unique_id: str) -> str | None:
        """Why a node has to run; None if it is up to date."""
        record = self.state.records.get(unique_id)
        if unique_id in self._again:
            return "asked for"
        if record is None:
            return "new"
        if record.verdict in ("fail", "error"):
            return "failing"  # report the failure again, with its rows
        parts = self._fingerprints.parts(unique_id)
        if parts.reads_files or not (self._repeatable(unique_id) or self._makes_view(unique_id)):
            return "not repeatable"
        if parts.volatile:
            return "volatile"
        if unique_id in self.manifest.unit_tests:
            environment = self._session.environment.values_of(record.environment.keys())
            if record.definition != self.identity(unique_id) or record.environment != environment:
                return "changed"
        elif not self._is_current(unique_id, record, parts):
            return "changed"
        node = self.manifest.nodes.get(unique_id)
        if node is not None and _relation_of(node) is not None and self.schema(unique_id) is None:
            return "missing"
        if node is not None and node.resource_type == NodeType.Snapshot and record.data == self._data_above(unique_id):
            return None  # a snapshot tracks changes of the data, not of model definitions
        return self._stale_inputs(unique_id, record)

    def stale_at_its_turn(self, unique_id: str) -> str | None:
        """Like `stale`, once everything upstream is built: then nodes that query the database can be compiled and compared."""
        reason = self.stale(unique_id)
        if reason != "volatile":
            return reason
        record, parts = self.state.records[unique_id], self._fingerprints.parts(unique_id)
        same = (
            parts.compilable
            and record.surroundings == parts.surroundings
            and record.environment == self._session.environment.values_of(record.environment.keys())
            and self.schema(unique_id) is not None
            and self._stale_inputs(unique_id, record) is None
        )
        if not same:
            return reason
        self._statements.pop(unique_id, None)
        with get_adapter(self._config).connection_named("compare"):
            return None if self._has_same_statement(unique_id, record) else reason

    def _repeatable(self, unique_id: str) -> bool:
        """Whether a node returns the same rows for the same tables, according to its templates and the SQL of its last run."""
        record = self.state.records.get(unique_id)
        return self._fingerprints.parts(unique_id).repeatable and (record is None or record.repeatable)

    def _makes_view(self, unique_id: str) -> bool:
        node = self.manifest.nodes.get(unique_id)
        return node is not None and _is_view(node)

    def inputs(self, unique_id: str) -> dict[str, str | None]:
        """Hashes of what a run of the node depends on: contents of its inputs, or only their columns for unit tests and views."""
        if unique_id in self.manifest.unit_tests:
            tested = self.manifest.unit_tests[unique_id].depends_on.nodes[0]
            return {name: self._columns_in_memory(name) for name in self.manifest.nodes[tested].depends_on_nodes}
        node = self.manifest.nodes[unique_id]
        read = self.schema if _is_view(node) else self.content
        return {name: read(name) for name in node.depends_on_nodes}

    def content(self, unique_id: str) -> str | None:
        """The current content of a node or source; for a view, it is derived from what it reads."""
        if unique_id in self._contents:
            return self._contents[unique_id]
        node = self.manifest.nodes.get(unique_id)
        if node is None:
            return None
        if node.config.materialized in _STORED:
            record = self.state.records.get(unique_id)
            return record.content if record is not None else None
        if unique_id not in self._derived:
            inputs = [self.content(name) for name in node.depends_on_nodes]
            if not self._repeatable(unique_id):
                inputs.append(str(time.time_ns()))  # the view's content is unknown
            self._derived[unique_id] = digest(self.identity(unique_id), inputs)
        return self._derived[unique_id]

    def schema(self, unique_id: str) -> str | None:
        """A hash of the columns of a node's or source's relation; None if it doesn't exist."""
        # A node has an alias, a source has an identifier.
        node: Any = self.manifest.nodes.get(unique_id) or self.manifest.sources.get(unique_id)
        if node is None:
            return None
        if getattr(node, "is_ephemeral_model", False):
            return digest(self.identity(unique_id), [self.schema(name) for name in node.depends_on_nodes])
        columns = self._columns.get((node.schema, node.alias if hasattr(node, "alias") else node.identifier))
        return None if columns is None else digest_of_columns(columns)

    def tables(self) -> dict[str, Columns]:
        """The columns of every relation in the database, by `schema.table`."""
        return {f"{schema}.{name}".lower(): columns for (schema, name), columns in self._columns.items() if columns}

    def _columns_in_memory(self, unique_id: str) -> str | None:
        try:
            columns = self.columns_in_memory(unique_id)
        except DbtBaseException:
            return None  # something upstream of the tested model is broken
        return None if columns is None else digest_of_columns(columns)

    def lineage(self, unique_id: str) -> str:
        """A hash of the definitions of a node and of everything upstream, without contents."""
        if unique_id not in self._lineage:
            node = self.manifest.nodes.get(unique_id)
            parts = [] if node is None else [self.lineage(name) for name in node.depends_on_nodes]
            definition = self.identity(unique_id) if node is not None else unique_id
            self._lineage[unique_id] = digest(definition, parts)
        return self._lineage[unique_id]

    def _data_above(self, unique_id: str) -> str:
        seen: set[str] = set()
        pending = [unique_id]
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                node = self.manifest.nodes.get(name)
                pending.extend(node.depends_on_nodes if node is not None else ())
        nodes = self.manifest.nodes
        seeds = {name for name in seen if name in nodes and nodes[name].resource_type == NodeType.Seed}
        return digest([(name, self.content(name)) for name in sorted(seeds | (seen & set(self.manifest.sources)))])

    def only_data_is_new(self, unique_id: str) -> bool:
        """Whether an incremental model can run incrementally, because no definition upstream has changed."""
        record = self.state.records.get(unique_id)
        return record is not None and record.lineage == self.lineage(unique_id)

    def ran(
        self,
        unique_id: str,
        verdict: str,
        message: str | None,
        contents: Contents | None,
        read: Set[str] = frozenset(),
        called: Set[str] = frozenset(),
    ) -> None:
        """
        Records a run: what the node was built from, and the outcome. `read`, `called`: environment variables and macros that
        dbt used during the run.
        """
        node = self.manifest.nodes.get(unique_id)
        parts = self._fingerprints.parts(unique_id)
        unforeseen = self._fingerprints.unforeseen(unique_id, called)
        self._session.note_read(read)
        record = Record(
            definition=parts.whole if node is not None else self.identity(unique_id),
            surroundings=parts.surroundings,
            identity=parts.whole,
            environment=self._session.environment.values_of(read),
            unforeseen=unforeseen,
            unforeseen_digest=self._fingerprints.digest_of(unforeseen) if unforeseen else None,
            inputs=self.inputs(unique_id),
            repeatable=node is None or is_repeatable(getattr(node, "compiled_code", None) or ""),
            verdict=verdict,
            message=message,
            relation=_relation_of(node) if node is not None else None,
        )
        if node is not None and node.resource_type == NodeType.Model and parts.compilable:
            record.statement = self._statements[unique_id] = self._statement(node)
        if parts.volatile:
            record.identity = digest(
                parts.whole, record.statement, time.time_ns() if record.statement is None else None
            )
        if node is not None and node.resource_type == NodeType.Snapshot:
            record.data = self._data_above(unique_id)
        previous = self.state.records.get(unique_id)
        if node is not None:
            self.state.records[unique_id] = record
            # The lineage includes the node's own new record.
            self._lineage.pop(unique_id, None)
            record.lineage = self.lineage(unique_id)
        record.content = previous.content if previous is not None else None
        if verdict not in ("fail", "error") and contents is not None and node is not None and record.place is not None:
            self._columns[record.place] = columns = contents.columns_of(*record.place)
            if node.config.materialized in _STORED and node.relation_name is not None:
                record.content = contents.of_table(node.relation_name, columns)
                if previous is not None and record.content == previous.content:
                    self.unchanged.add(unique_id)
        self.state.records[unique_id] = record
        if record.relation is not None:
            self._derived = {}

    def spare(self, unique_id: str) -> None:
        """Updates the record of a skipped node: its content is the same, but definitions upstream may have changed."""
        record = self.state.records.get(unique_id)
        if record is not None and unique_id in self.manifest.nodes:
            record.lineage = self.lineage(unique_id)

    def _stale_inputs(self, unique_id: str, record: Record) -> str | None:
        now = self.inputs(unique_id)
        changed = [name for name in now if now[name] != record.inputs.get(name) or now[name] is None]
        if changed or set(now) != set(record.inputs):
            return "inputs"
        return None


def _is_view(node: ManifestNode) -> bool:
    return node.resource_type == NodeType.Model and node.config.materialized == "view"


def _relation_of(node: ManifestNode) -> Place | None:
    """Schema and name of a node's relation; None for tests and ephemeral models."""
    if node.resource_type == NodeType.Test or getattr(node, "is_ephemeral_model", False):
        return None
    return (node.schema, node.alias)
