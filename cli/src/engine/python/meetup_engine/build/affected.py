"""Builds exactly the stale nodes, in dbt's order and with dbt's runners.

The candidates are known in advance: nodes whose definition or inputs changed, and everything downstream of them. Which of
them really have to run turns out during the build: if a model's rebuilt content is unchanged, the cascade stops there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Set
from typing import TYPE_CHECKING, Any, cast

from dbt.adapters.factory import get_adapter
from dbt.artifacts.schemas.results import NodeStatus
from dbt.flags import set_flags
from dbt.graph.graph import UniqueId
from dbt.graph.queue import GraphQueue
from dbt.task.build import BuildTask

from meetup_engine.build import data_tests
from meetup_engine.build.build_state import BuildState
from meetup_engine.build.contents import Contents, digest
from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.build.node_states import DatabaseSnapshot, NodeStates
from meetup_engine.build.runners import DiffingTestRunner, Streaming, build_from_scratch, identity
from meetup_engine.build.settled import Basis, Settled, settled_by, with_all_below
from meetup_engine.build.subset_graph import subset_of
from meetup_engine.dbt_patches import calls, late_files
from meetup_engine.dbt_patches.early_database import EarlyDatabase
from meetup_engine.project.environment import recording
from meetup_engine.protocol.cancelling import Cancelled
from meetup_engine.statement_log import log
from meetup_engine.unit_tests.runner import UnitTestRunner

if TYPE_CHECKING:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.impl import DuckDBAdapter
    from dbt.artifacts.schemas.run import RunResult
    from dbt.cli.flags import Flags
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition
    from dbt.task.base import BaseRunner

    from meetup_engine.build.contents import Columns
    from meetup_engine.build.fingerprints import Fingerprint
    from meetup_engine.project.project import Project
    from meetup_engine.protocol.messages import AffectedNodes, Named, NodeResult

_BAD: dict[str, str] = {
    NodeStatus.Error: "error",
    NodeStatus.RuntimeErr: "error",
    NodeStatus.PartialSuccess: "error",
    NodeStatus.Fail: "fail",
}
_UNIT_BAD: dict[str, str] = {"error": "error", "fail": "fail"}


class UnitTests:
    """Runs the project's unit tests in memory, alongside a build on the real database."""

    def __init__(self, session: Project, flags: Flags, states: NodeStates) -> None:
        self._session = session
        self._flags = flags
        self._states = states
        self._runner: UnitTestRunner | None = None
        self._definitions: dict[str, str] = {}

    def columns_of(self, unique_id: str) -> Columns | None:
        """The columns of a node or source according to its definition. @raises DbtBaseException if that is invalid."""
        definition = self._definition(unique_id)
        known = self._session.unit_columns.get(unique_id)
        if known is None or known[0] != definition:
            with self._lent_runner() as runner:
                known = (definition, runner.columns.of(unique_id))
            self._session.unit_columns[unique_id] = known
        return known[1]

    def _definition(self, unique_id: str) -> str:
        """A hash of everything that determines the columns of a node or source: definitions, and the columns of sources."""
        if unique_id not in self._definitions:
            self._definitions[unique_id] = self._define(unique_id)
        return self._definitions[unique_id]

    def _define(self, unique_id: str) -> str:
        source = self._session.manifest.sources.get(unique_id)
        if source is not None:
            declared = [(column.name, column.data_type) for column in source.columns.values()]
            return digest(self._states.schema(unique_id), declared)
        parts = self._states.parts(unique_id)
        unclear = parts.volatile or parts.any_environment or parts.reads_files
        above = [self._definition(name) for name in self._session.manifest.nodes[unique_id].depends_on_nodes]
        return digest(parts.whole, self._session.generation if unclear else None, above)

    def run(self, test: UnitTestDefinition) -> NodeResult:
        """Runs a unit test and returns its result in the protocol's format."""
        with self._lent_runner() as runner:
            result = runner.run(test)
            result["failures"] = None
            return result

    @contextlib.contextmanager
    def _lent_runner(self) -> Iterator[UnitTestRunner]:
        if self._runner is None:
            self._runner = UnitTestRunner(self._session, self._states.tables())
        with self._runner.lent():
            yield self._runner
        set_flags(self._flags)
        self._session.run_config(self._flags)


class AffectedBuild(Streaming, BuildTask):
    """dbt's build, except that a node only runs if it is stale when its turn comes."""

    def configure(self, again: Iterable[str], everything: bool, from_scratch: bool) -> None:
        """
        Must be called before `run`, after `prepare` and `keep_state_in`. `again`: nodes to run even if they are up to date;
        `everything`: run all nodes; `from_scratch`: build incremental models from scratch.
        """
        if self._state_folder is None:
            raise ValueError("An affected build needs a folder for its state.")
        self._state = BuildState(self._state_folder, self.config.target_name)
        self._again = again
        self._everything = everything
        self._from_scratch = from_scratch
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._error: Exception | None = None
        self.spared: list[str] = []
        self.unit_test_results: list[NodeResult] = []
        self.removed: list[str] = []

    @property
    def parsed(self) -> Manifest:
        """The manifest, which dbt declares as optional."""
        if self.manifest is None:
            raise RuntimeError("An affected build needs a manifest.")
        return self.manifest

    def run(self) -> Any:  # noqa: ANN401 - dbt has no type for it
        late_files.files.on = True
        whole = False
        try:
            results = super().run()
            if self._error is not None:
                raise self._error
            self._session.snapshot = self._snapshot
            whole = True
            return results
        finally:
            late_files.files.on = False
            # Nodes that were interrupted have an unknown state; nodes that finished stay recorded.
            self._state.forget(self._running)
            self._state.write()
            if whole and not self._is_cancelled():
                self._session.settled = self._settled()

    def _settled(self) -> Settled:
        """What this build leaves up to date, for the next one."""
        parts = self._parts()
        return settled_by(self._basis(), parts, self._touched, self.parsed, self.graph)

    def _runtime_initialize(self) -> None:
        self._fingerprints = fingerprints_of(self._session, self.parsed, self.config)
        self._states = NodeStates(
            self._session,
            self.config,
            self.parsed,
            self._state,
            self._fingerprints,
            self._database_snapshot(),
            self._again,
        )
        self._unit_tests = UnitTests(self._session, self.args, self._states)
        self._states.columns_in_memory = self._unit_tests.columns_of
        if self._everything:
            self._states.run_everything()
        self._remove_leftovers()
        super()._runtime_initialize()

    def _remove_leftovers(self) -> None:
        gone = self._states.gone()
        leftovers = self._states.leftovers(gone)
        if leftovers:
            with contents_of(self.config) as contents:
                self.removed = contents.drop(leftovers)
            self._states.dropped(leftovers)
        # Only now: if dropping is interrupted, the next build still has to know about them.
        self._state.forget(gone)

    def _database_snapshot(self) -> DatabaseSnapshot:
        """Opens the database only if somebody may have changed it since this session's last build."""
        snapshot, self._session.snapshot = self._session.snapshot, None
        if not self._session.untouched or snapshot is None or set(snapshot.sources) != set(self.parsed.sources):
            with contents_of(self.config) as contents:
                snapshot = DatabaseSnapshot(contents, self.parsed)
        self._snapshot = snapshot
        return snapshot

    def get_graph_queue(self) -> GraphQueue:
        self._touched = frozenset(nodes := self._candidates())
        unit_tests = sorted(nodes & set(self.parsed.unit_tests))
        stale = [unique_id for unique_id in unit_tests if self._states.stale(unique_id) is not None]
        if nodes:
            # If the process is killed from here on, the state has no records for the nodes that it may have touched.
            self._state.write(without=nodes)
        early = (
            EarlyDatabase(cast("DuckDBCredentials", self.config.credentials))
            if stale and len(nodes) > len(unit_tests)
            else None
        )
        try:
            self._run_unit_tests(stale)
        finally:
            if early is not None:
                early.hand_over()
        for unique_id in unit_tests:
            if unique_id not in stale:
                self._spare(self.parsed.unit_tests[unique_id])
        nodes -= set(unit_tests)
        self._block_below_old_failures(nodes)
        self._data_tests = data_tests.DataTests(self.parsed, self._fingerprints, nodes)
        selected = {UniqueId(unique_id) for unique_id in nodes}
        return GraphQueue(subset_of(self.graph.graph, selected), self.parsed, selected)

    def _run_unit_tests(self, unique_ids: Iterable[str]) -> None:
        """
        Runs the unit tests before the first model: they need no data, take milliseconds in memory, and a failure keeps its
        model from being built.
        """
        # As if dbt had found no unit tests.
        self.selected_unit_tests = set()
        self.model_to_unit_test_map = {}
        for unique_id in unique_ids:
            if self._is_cancelled():
                raise Cancelled()
            if None in self._states.inputs(unique_id).values():
                continue  # a model upstream is broken, which is reported on its own
            test = self.parsed.unit_tests[unique_id]
            self._emit({"event": "started", **identity(test)})
            with recording() as read, log.running(unique_id):
                described = self._unit_tests.run(test)
            if self._is_cancelled():
                raise Cancelled()
            self.unit_test_results.append(described)
            self._emit({"event": "finished", **described})
            self._states.ran(unique_id, _UNIT_BAD.get(described["status"], "pass"), described["message"], None, read)

    def handle_job_queue(self, pool: Any, callback: Callable[..., Any]) -> None:  # noqa: ANN401 - dbt's pool
        queue: Any = self.job_queue
        node = queue.get()
        if self._request.cancelled:
            queue.mark_done(node.unique_id)
        elif node.unique_id in self._skipped_children or self._states.stale_at_its_turn(node.unique_id) is not None:
            self.handle_job_queue_node(node, pool, callback)
        else:
            self._spare(node)
            queue.mark_done(node.unique_id)

    def call_runner(self, runner: BaseRunner) -> RunResult:
        node = runner.node
        if runner.skip or node.is_ephemeral_model or self._request.cancelled:
            return super().call_runner(runner)
        with self._deferring_errors(lambda: runner.do_skip(cause=None)), self._lock:
            self._running.add(node.unique_id)
            self._rebuild_if_needed(node)
            self._data_tests.remember(runner)
        with recording() as read, calls.recording() as called, log.running(node.unique_id):
            result = super().call_runner(runner)
        verdict = _BAD.get(result.status, "pass")
        interrupted = self._is_cancelled() and verdict != "pass"
        if interrupted or str(result.status) == NodeStatus.Skipped:
            return result  # it stays marked as running, so that its record is removed
        with self._deferring_errors(), self._lock, contents_of(self.config) as contents:
            self._states.ran(node.unique_id, verdict, result.message, contents, read, called)
            self._running.discard(node.unique_id)
        return result

    def _is_cancelled(self) -> bool:
        """A method, so that type checkers don't assume that the value stays the same."""
        return self._request.cancelled

    @contextlib.contextmanager
    def _deferring_errors(self, then: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Keeps an error for the end of the build: in a thread of dbt's pool it would get lost, and the build would hang."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again in `run`
            self._error = self._error or error
            then()

    def get_runner_type(self, node: ManifestNode) -> type[BaseRunner] | None:
        chosen = super().get_runner_type(node)
        return data_tests.RememberingTestRunner if chosen is DiffingTestRunner else chosen

    def failing(self) -> list[str]:
        """All nodes that currently fail, whether or not they ran this time."""
        return [unique_id for unique_id in self._states.executable() if self._states.state.fails(unique_id)]

    def repeatable(self) -> bool:
        """Whether all inputs can be compared without dbt."""
        parts = [self._fingerprints.parts(unique_id) for unique_id in self._states.executable()]
        return not any(part.volatile or not part.repeatable for part in parts) and all(
            record.repeatable for record in self._states.state.records.values()
        )

    def found(self) -> AffectedNodes:
        """The nodes that the protocol reports in addition to the results of those that ran."""
        return {
            "spared": [self._named(unique_id) for unique_id in self.spared],
            "unchanged": [self._named(unique_id) for unique_id in sorted(self._states.unchanged)],
            "failing": [self._named(unique_id) for unique_id in self.failing()],
            "removed": self.removed,
        }

    def _named(self, unique_id: str) -> Named:
        node = self.parsed.nodes.get(unique_id) or self.parsed.unit_tests[unique_id]
        record = self._states.state.records.get(unique_id)
        return {**identity(node), "message": record.message if record is not None else None}

    def forget(self, unique_ids: Iterable[str]) -> None:
        """Nothing to do: this build records what it touches."""

    def _candidates(self) -> set[str]:
        """Stale nodes, and everything downstream of them."""
        executable = set(self._states.executable())
        compared = executable - self._still_settled()
        stale = {unique_id for unique_id in compared if self._states.stale(unique_id) is not None}
        return with_all_below(stale, self.parsed, self.graph) & executable

    def _still_settled(self) -> Set[str]:
        """Takes what the last build left up to date, as far as it still is. The next build needs what this one leaves."""
        settled, self._session.settled = self._session.settled, None
        if settled is None or self._everything or list(self._again) or self.removed:
            return frozenset()
        return settled.still(self._basis(), self._parts(), self.parsed, self.graph)

    def _parts(self) -> dict[str, Fingerprint]:
        return {unique_id: self._states.parts(unique_id) for unique_id in self._states.runnable}

    def _basis(self) -> Basis:
        return Basis.of(self._session, self._fingerprints, self._snapshot, self._state)

    def _rebuild_if_needed(self, node: ManifestNode) -> None:
        """Builds an incremental model from scratch if that was asked for, or its definition or that of anything upstream has changed."""
        incremental = getattr(node.config, "materialized", None) == "incremental"
        if incremental and (self._from_scratch or not self._states.only_data_is_new(node.unique_id)):
            build_from_scratch(node)

    def _spare(self, node: ManifestNode | UnitTestDefinition) -> None:
        """Skips a node that is up to date. If it failed before, it still blocks the nodes downstream of it."""
        with self._lock:
            self._states.spare(node.unique_id)
            self.spared.append(node.unique_id)
        if self._states.state.fails(node.unique_id):
            self._block_below(node.unique_id)

    def _block_below_old_failures(self, nodes: set[str]) -> None:
        for unique_id in self._states.executable():
            if unique_id not in nodes and self._states.state.fails(unique_id):
                self._block_below(unique_id)

    def _block_below(self, unique_id: str) -> None:
        below = [unique_id]
        if unique_id in self.parsed.unit_tests:
            below = [self.parsed.unit_tests[unique_id].depends_on.nodes[0]]
            self._skipped_children[below[0]] = None
        for start in below:
            if self.graph.graph.has_node(start):
                for dependent in self.graph.get_dependent_nodes(UniqueId(start)):
                    self._skipped_children[dependent] = None


@contextlib.contextmanager
def contents_of(config: RuntimeConfig) -> Iterator[Contents]:
    """Reads contents through a connection from dbt's adapter."""
    adapter = cast("DuckDBAdapter", get_adapter(config))
    with adapter.connection_named("contents"):
        yield Contents(adapter)
