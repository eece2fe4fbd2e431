"""dbt's tasks, run on the manifest in memory, with an event for each node's start and end."""

from __future__ import annotations

import contextlib
import copy
import functools
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.factory import FACTORY, get_adapter
from dbt.artifacts.resources.types import NodeType, RunHookType
from dbt.artifacts.schemas.results import NodeStatus
from dbt.contracts.graph.nodes import HookNode
from dbt.task.build import BuildTask
from dbt.task.compile import CompileTask
from dbt.task.run import RunTask
from dbt.task.runnable import GraphRunnableTask
from dbt.task.test import TestRunner, TestTask

from meetup_engine.build.build_state import BuildState
from meetup_engine.build.record_hooks import only_records
from meetup_engine.build.test_places import line_of
from meetup_engine.dbt_patches import late_files
from meetup_engine.project.names import called
from meetup_engine.protocol import problems
from meetup_engine.protocol.messages import Diff, Identity, NodeResult, Sample

if TYPE_CHECKING:
    from dbt.adapters.base.relation import BaseRelation
    from dbt.artifacts.schemas.run import RunResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestNode
    from dbt.graph.graph import Graph
    from dbt.graph.selector import NodeSelector, ResourceTypeSelector
    from dbt.task.base import BaseRunner
    from dbt.task.test import UnitTestResultData

    from meetup_engine.project.project import Project
    from meetup_engine.protocol.wire import Request

Node = TypeVar("Node", bound="ManifestNode")

FAILED: frozenset[str] = frozenset(
    {NodeStatus.Error, NodeStatus.Fail, NodeStatus.RuntimeErr, NodeStatus.PartialSuccess}
)
# Of dbt/macros/incremental: these merge nothing but rows that differ.
EXACT_STRATEGIES = frozenset({"merge_changed", "replace_superseded"})
# How many failed tests get a sample of their rows, and how many rows.
SAMPLED_TESTS = 5
SAMPLE_ROWS = 5


class DiffingTestRunner(TestRunner):
    """Keeps the differences of a failed unit test as data; dbt only reports them as text."""

    diffs: ClassVar[dict[str, Diff]] = {}

    def build_unit_test_run_result(self, test: UnitTestNode, result: UnitTestResultData) -> RunResult:
        if result.diff is not None:
            self.diffs[test.unique_id] = {"actual": result.diff.actual, "expected": result.diff.expected}
        return super().build_unit_test_run_result(test, result)


class Streaming(GraphRunnableTask):
    """What the engine adds to dbt's tasks: events, and selection by unique ids."""

    def prepare(self, request: Request, session: Project, unique_ids: Iterable[str] | None) -> None:
        """Must be called before `run`. `unique_ids`: run exactly these nodes instead of a selection."""
        self._request = request
        self._emit = request.event
        self._session = session
        self._project_dir = session.settings.project_dir
        self._reported: dict[str, NodeResult] = {}
        self._samples_left = SAMPLED_TESTS if request.document.get("sample", True) else 0
        self._unique_ids = None if unique_ids is None else frozenset(unique_ids)
        self._state_folder: str | None = None

    def get_node_selector(self, *arguments: Any, **options: Any) -> ResourceTypeSelector:
        # Each of dbt's four commands has its own selector for resource types.
        selector = cast("ResourceTypeSelector", super().get_node_selector(*arguments, **options))
        if self._unique_ids is not None:
            _select_exactly(selector, self._unique_ids)
        _leave_out(selector, self._session.elsewhere())
        return selector

    def compile_manifest(self) -> None:
        # A build has its own graph, in which tests come between models.
        self.graph = self._session.graph(isinstance(self, BuildTask), self._link)

    def _link(self) -> Graph:
        super().compile_manifest()
        if self.graph is None:
            raise RuntimeError("dbt made no graph of the manifest.")
        return self.graph

    def get_hooks_by_type(self, hook_type: RunHookType) -> list[HookNode]:
        # They may write to any schema.
        if self._session.settings.schema_prefix or self._request.document.get("branch"):
            return []
        # Of dbt's four commands, `compile` has no hooks.
        hooks: list[HookNode] = cast(Any, super()).get_hooks_by_type(hook_type)
        # A deployment has its own lease and ledger rows, and DuckDB has neither.
        return [hook for hook in hooks if not only_records(hook.raw_code)]

    def create_schemas(self, adapter: BaseAdapter, required_schemas: set[BaseRelation]) -> None:
        unknown = {schema for schema in required_schemas if str(schema) not in self._session.schemas}
        if unknown:
            super().create_schemas(adapter, unknown)
            self._session.schemas.update(str(schema) for schema in unknown)

    def keep_state_in(self, folder: str | None) -> None:
        """Sets the folder of the build state; None for targets without one."""
        self._state_folder = folder

    def forget(self, unique_ids: Iterable[str]) -> None:
        """Removes the records of nodes that one of dbt's commands touches, so that they don't count as up to date."""
        if self._state_folder is not None and not isinstance(self, (StreamingTest, StreamingCompile)):
            state = BuildState(self._state_folder, self.config.target_name)
            state.forget(unique_ids)
            state.write()

    def execute_with_hooks(self, selected_uids: set[str]) -> Any:  # type: ignore[override] # noqa: ANN401 - dbt has no type for it
        self.forget(selected_uids | set(getattr(self, "selected_unit_tests", ())))
        self._emit({"event": "selected", "total": self.num_nodes + len(getattr(self, "selected_unit_tests", ()))})
        return super().execute_with_hooks(selected_uids)

    def call_runner(self, runner: BaseRunner) -> RunResult:
        node = runner.node
        if self._request.cancelled:
            # Drain dbt's queue, so that the task ends.
            runner.do_skip(cause=None)
        if not runner.skip and not node.is_ephemeral_model:
            self._emit({"event": "started", **identity(node)})
        started, cpu = time.perf_counter(), time.process_time()
        result = super().call_runner(runner)
        if not result.node.is_ephemeral_model or result.status in FAILED:
            self._reported[result.node.unique_id] = described = self._describe(result, started)
            described["cpuMs"] = round((time.process_time() - cpu) * 1000, 1)
            self._emit({"event": "finished", **described})
        return result

    def run_all(self) -> list[RunResult]:
        """Runs the selected nodes. A typed wrapper of dbt's `run`."""
        results: list[RunResult] = self.run().results
        return results

    def has_failed(self, results: Iterable[RunResult]) -> bool:
        """Whether dbt counts these results as a failure."""
        return not self.interpret_results(results)

    def described(self, result: RunResult) -> NodeResult:
        """A node's result as reported when it ended; for nodes that never started, as it is now."""
        return self._reported.get(result.node.unique_id) or self._describe(result)

    def _describe(self, result: RunResult, started: float | None = None) -> NodeResult:
        node = result.node
        status = str(result.status)
        seconds = result.execution_time or (time.perf_counter() - started if started else 0)
        described: NodeResult = {
            **identity(node),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "message": result.message,
        }
        alias = getattr(node, "alias", None)
        if alias and alias != node.name and node.resource_type in (NodeType.Model, NodeType.Seed, NodeType.Snapshot):
            described["alias"] = alias
        if result.failures is not None:
            described["failures"] = result.failures
        written = result.adapter_response.get("rows_affected")
        if node.resource_type == NodeType.Model and written is not None:
            described["rowsWritten"] = written
            if _writes_only_changes(node, result):
                described["rowsChanged"] = written
        if status in ("error", "runtime error"):
            statement = late_files.files.statement_of(node)
            described["problem"] = problems.node_problem(node, result.message, self._project_dir, statement)
        if status in ("fail", "warn") and node.resource_type == NodeType.Test:
            described["line"] = line_of(node, self._project_dir)
            sample = self._sample(node)
            if sample is not None:
                described["sample"] = sample
        if status not in ("success", "pass"):
            late_files.files.flush(node)
        compiled_path = getattr(node, "compiled_path", None)
        # A test that is run passes or fails; one that is only compiled succeeds.
        if compiled_path and (status != "success" or node.resource_type == NodeType.Test):
            described["compiledPath"] = compiled_path
        diff = DiffingTestRunner.diffs.pop(node.unique_id, None)
        if diff is not None:
            described["diff"] = diff
        return described

    def _sample(self, node: ManifestNode) -> Sample | None:
        """
        A sample of a failed data test's rows, for the first few tests, taken while the database is still open. It is ordered, so that
        a failure that is repeated shows the same rows.
        """
        compiled = getattr(node, "compiled_code", None)
        if self._samples_left <= 0 or not compiled:
            return None
        self._samples_left -= 1
        adapter = get_adapter(self.config)
        try:
            with adapter.connection_named("sample"):
                sql = f"select * from (\n{compiled}\n) as failed order by all limit {SAMPLE_ROWS}"
                _, table = adapter.execute(sql, fetch=True)
        except Exception:  # noqa: BLE001 - the failure itself has already been reported
            return None
        return {
            "columns": list(table.column_names),
            "rows": [[plain(value) for value in row.values()] for row in table.rows],
        }

    def get_runner_type(self, node: ManifestNode) -> type[BaseRunner] | None:
        chosen = super().get_runner_type(node)
        return DiffingTestRunner if chosen is TestRunner else chosen

    def task_end_messages(self, results: object) -> None:
        """Suppresses dbt's summary."""

    def print_results_line(self, node_results: object, elapsed: object) -> None:
        """Suppresses dbt's statistics."""


class StreamingBuild(Streaming, BuildTask):
    """`dbt build`."""


class StreamingRun(Streaming, RunTask):
    """`dbt run`."""


class StreamingTest(Streaming, TestTask):
    """`dbt test`."""


class StreamingCompile(Streaming, CompileTask):
    """`dbt compile`."""


TASKS: dict[str, type[Streaming]] = {
    "build": StreamingBuild,
    "run": StreamingRun,
    "test": StreamingTest,
    "compile": StreamingCompile,
}


class Identified(Protocol):
    """A node, a unit test or a hook."""

    @property
    def unique_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def resource_type(self) -> NodeType: ...
    @property
    def depends_on_nodes(self) -> list[str]: ...


def identity(node: Identified) -> Identity:
    """A node's name, type and file."""
    tested = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
    if tested is None and node.resource_type in (NodeType.Test, NodeType.Unit) and node.depends_on_nodes:
        tested = node.depends_on_nodes[0]
    found: Identity = {
        "uniqueId": node.unique_id,
        "name": called(node),
        "resourceType": str(node.resource_type),
        "file": getattr(node, "original_file_path", None),
    }
    if tested is not None and node.resource_type in (NodeType.Test, NodeType.Unit):
        found["tests"] = tested
    return found


def _writes_only_changes(node: ManifestNode, result: RunResult) -> bool:
    """Whether each row that was written is new, gone or another one than before."""
    strategy = getattr(node.config, "incremental_strategy", None)
    return strategy in EXACT_STRATEGIES and result.adapter_response.get("code") == "MERGE"


def _leave_out(selector: NodeSelector, elsewhere: Collection[str]) -> None:
    if not elsewhere:
        return
    chosen = selector.get_selected

    def get_selected(*arguments: Any, **options: Any) -> set[str]:
        return {unique_id for unique_id in chosen(*arguments, **options) if unique_id not in elsewhere}

    vars(selector)["get_selected"] = get_selected


def _select_exactly(selector: NodeSelector, unique_ids: Iterable[str]) -> None:
    def get_selected(spec: object, warn_on_no_nodes: bool = True) -> set[str]:
        # dbt's own types call every id UniqueId, which is a str.
        selected: Any = {unique_id for unique_id in unique_ids if selector.manifest.expect(unique_id)}
        return cast(set[str], selector.filter_selection(selected))

    vars(selector)["get_selected"] = get_selected


@contextlib.contextmanager
def borrowed_nodes(manifest: Manifest) -> Iterator[None]:
    """
    Replaces the nodes by copies during a task: compiling modifies them, and dbt's next parse has to start from uncompiled
    nodes. Foreign keys are copied too, because they are compiled in place, below the level of a shallow copy.
    """
    kept = manifest.nodes
    manifest.nodes = {unique_id: borrowed(node) for unique_id, node in kept.items()}
    try:
        yield
    finally:
        manifest.nodes = kept


def from_scratch(manifest: Manifest, unique_ids: Iterable[str]) -> None:
    """Makes these incremental models build from scratch, independent of the others. For borrowed nodes only."""
    for unique_id in unique_ids:
        build_from_scratch(manifest.nodes[unique_id])


def build_from_scratch(node: ManifestNode) -> None:
    """Makes one incremental model build from scratch. For a borrowed node only."""
    config: Any = copy.copy(node.config)  # its type depends on the kind of node
    config.full_refresh = True
    node.config = config


def give_queries(manifest: Manifest, queries: Mapping[str, str]) -> None:
    """
    Makes models select these rows instead of their own SQL. All else is theirs: materialization, contract, hooks. For borrowed nodes only.
    """
    for unique_id, query in queries.items():
        manifest.nodes[unique_id].raw_code = f"{{% raw %}}{query}{{% endraw %}}"


def borrowed(node: Node) -> Node:
    """A copy that compiling may modify."""
    constrained = any(getattr(constraint, "to", None) for constraint in getattr(node, "all_constraints", ()))
    lent = copy.deepcopy(node) if constrained else _shallow(node)
    lent._event_status = {}
    return lent


def _shallow(node: Node) -> Node:
    """`copy.copy` of an object that has nothing but its `__dict__`, which takes a fifth of the time."""
    kind: type = type(node)
    if not _is_plain(kind):
        return copy.copy(node)
    lent: Any = object.__new__(kind)
    vars(lent).update(vars(node))
    return cast(Node, lent)


# What a class defines if its objects are made or copied in another way than others.
_COPY_HOOKS = (
    *("__new__", "__copy__", "__reduce__", "__reduce_ex__"),
    *("__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
)


@functools.cache
def _is_plain(kind: type) -> bool:
    """Whether nothing changes how objects of a class are copied."""
    return all(getattr(kind, hook, None) is getattr(object, hook, None) for hook in _COPY_HOOKS) and not any(
        vars(base).get("__slots__") for base in kind.__mro__
    )


def plain(value: object) -> bool | int | float | str | None:
    """Converts a value to one that JSON supports."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def interrupt_queries() -> None:
    """Interrupts dbt's running queries. Any thread may call this."""
    for adapter in list(FACTORY.adapters.values()):
        if isinstance(adapter, BaseAdapter):
            adapter.cancel_open_connections()


def is_hook(node: object) -> bool:
    """Whether a node is an on-run-start or on-run-end hook."""
    return isinstance(node, HookNode)
