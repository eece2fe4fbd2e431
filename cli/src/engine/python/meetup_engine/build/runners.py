"""dbt's own tasks, run on the manifest in memory, telling each node's start and end as it happens."""

import contextlib
import copy
import time

from dbt.adapters.factory import get_adapter
from dbt.artifacts.schemas.results import NodeStatus
from dbt.contracts.graph.nodes import HookNode
from dbt.node_types import NodeType
from dbt.task.build import BuildTask
from dbt.task.compile import CompileTask
from dbt.task.run import RunTask
from dbt.task.test import TestRunner, TestTask

from meetup_engine.build.build_state import BuildState
from meetup_engine.dbt_patches import late_files
from meetup_engine.protocol import problems

FAILED = frozenset({NodeStatus.Error, NodeStatus.Fail, NodeStatus.RuntimeErr, NodeStatus.PartialSuccess})
# How many failed tests have a few of their rows shown, and how many rows.
SAMPLED_TESTS = 5
SAMPLE_ROWS = 5


class DiffingTestRunner(TestRunner):
    """Keeps the difference that a failed unit test found, which dbt gives as text only."""

    diffs = {}

    def build_unit_test_run_result(self, test, result):
        if result.diff is not None:
            self.diffs[test.unique_id] = {"actual": result.diff.actual, "expected": result.diff.expected}
        return super().build_unit_test_run_result(test, result)


class Streaming:
    """What every task of the engine adds to dbt's: events, and a selection by exact ids."""

    def prepare(self, request, session, unique_ids):
        """Must be called before `run`."""
        self._request = request
        self._tell = request.event
        self._session = session
        self._project_dir = session.settings.project_dir
        self._told = {}
        self._unique_ids = None if unique_ids is None else frozenset(unique_ids)
        return self

    def get_node_selector(self, *arguments, **options):
        selector = super().get_node_selector(*arguments, **options)
        if self._unique_ids is not None:
            exact = self._unique_ids
            selector.get_selected = lambda spec, warn_on_no_nodes=True: selector.filter_selection(
                {unique_id for unique_id in exact if selector.manifest.expect(unique_id)}
            )
        return selector

    def compile_manifest(self):
        # With a build, tests stand between the models, so its graph is another one.
        self.graph = self._session.graph(isinstance(self, BuildTask), self._link)

    def _link(self):
        super().compile_manifest()
        return self.graph

    def create_schemas(self, adapter, required_schemas):
        unknown = {schema for schema in required_schemas if str(schema) not in self._session.schemas}
        if unknown:
            super().create_schemas(adapter, unknown)
            self._session.schemas.update(str(schema) for schema in unknown)

    def keep_state_in(self, folder):
        """Where it is remembered what was built from what; None where nothing is remembered (other targets)."""
        self._state_folder = folder

    def forget(self, unique_ids):
        """Dbt's own commands build whatever they are told to, so what they touch is not known to be up to date."""
        if self._state_folder is not None and not isinstance(self, (TestTask, CompileTask)):
            state = BuildState(self._state_folder, self.config.target_name)
            state.forget(unique_ids)
            state.write()

    def execute_with_hooks(self, selected_uids):
        self.forget(selected_uids | set(getattr(self, "selected_unit_tests", ())))
        self._tell({"event": "selected", "total": self.num_nodes + len(getattr(self, "selected_unit_tests", ()))})
        return super().execute_with_hooks(selected_uids)

    def call_runner(self, runner):
        node = runner.node
        if self._request.cancelled:
            # What is still in dbt's queue has to be taken out of it, so that the task comes to its end.
            runner.do_skip(cause=None)
        if not runner.skip and not node.is_ephemeral_model:
            self._tell({"event": "started", **identity(node)})
        started = time.perf_counter()
        result = super().call_runner(runner)
        if not result.node.is_ephemeral_model or result.status in FAILED:
            self._told[result.node.unique_id] = described = self._describe(result, started)
            self._tell({"event": "finished", **described})
        return result

    def found(self):
        """What a kind of task has to say beside its nodes' results."""
        return {}

    def described(self, result):
        """A node's result as it was told when the node ended; those that never started are told now."""
        return self._told.get(result.node.unique_id) or self._describe(result)

    def _describe(self, result, started=None):
        node = result.node
        status = str(result.status)
        seconds = result.execution_time or (time.perf_counter() - started if started else 0)
        described = {**identity(node), "status": status, "ms": round(seconds * 1000, 1), "message": result.message}
        if result.failures is not None:
            described["failures"] = result.failures
        if status in ("error", "runtime error"):
            statement = late_files.files.statement_of(node)
            described["problem"] = problems.node_problem(node, result.message, self._project_dir, statement)
        if status not in ("success", "pass"):
            late_files.files.flush(node)
        compiled_path = getattr(node, "compiled_path", None)
        if compiled_path and status != "success":
            described["compiledPath"] = compiled_path
        diff = DiffingTestRunner.diffs.pop(node.unique_id, None)
        if diff is not None:
            described["diff"] = diff
        return described

    def get_runner_type(self, node):
        chosen = super().get_runner_type(node)
        return DiffingTestRunner if chosen is TestRunner else chosen

    def task_end_messages(self, results):
        """dbt prints a summary here."""

    def print_results_line(self, results, elapsed):
        """And statistics here."""


class StreamingBuild(Streaming, BuildTask):
    """`dbt build`."""


class StreamingRun(Streaming, RunTask):
    """`dbt run`."""


class StreamingTest(Streaming, TestTask):
    """`dbt test`."""


class StreamingCompile(Streaming, CompileTask):
    """`dbt compile`."""


TASKS = {"build": StreamingBuild, "run": StreamingRun, "test": StreamingTest, "compile": StreamingCompile}


def identity(node):
    """What a node is called, and where it stands."""
    tested = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
    if tested is None and node.resource_type in (NodeType.Test, NodeType.Unit) and node.depends_on_nodes:
        tested = node.depends_on_nodes[0]
    told = {
        "uniqueId": node.unique_id,
        "name": node.name,
        "resourceType": str(node.resource_type),
        "file": getattr(node, "original_file_path", None),
    }
    if tested is not None and node.resource_type in (NodeType.Test, NodeType.Unit):
        told["tests"] = tested
    return told


@contextlib.contextmanager
def borrowed_nodes(manifest):
    """
    Lends a task copies of the nodes: compiling writes into them, and dbt reads the next parse's starting point from
    nodes that were never compiled. Foreign keys are compiled in place, deeper than a shallow copy reaches.
    """
    kept = manifest.nodes
    manifest.nodes = {unique_id: _borrow(node) for unique_id, node in kept.items()}
    try:
        yield
    finally:
        manifest.nodes = kept


def from_scratch(manifest, unique_ids):
    """Has these incremental models built from scratch, whatever becomes of the others. On borrowed nodes only."""
    for unique_id in unique_ids:
        node = manifest.nodes[unique_id]
        node.config = copy.copy(node.config)
        node.config.full_refresh = True


def _borrow(node):
    constrained = any(getattr(constraint, "to", None) for constraint in getattr(node, "all_constraints", ()))
    borrowed = copy.deepcopy(node) if constrained else copy.copy(node)
    borrowed._event_status = {}
    return borrowed


def taste_failures(task, results):
    """A few rows of the first failed data tests, read while the database is still open."""
    adapter = get_adapter(task.config)
    tastes = {}
    for result in results:
        node = result.node
        if len(tastes) >= SAMPLED_TESTS:
            break
        if str(result.status) not in ("fail", "warn") or node.resource_type != NodeType.Test:
            continue
        if not getattr(node, "compiled_code", None):
            continue
        try:
            with adapter.connection_named("taste"):
                sql = f"select * from (\n{node.compiled_code}\n) as failed limit {SAMPLE_ROWS}"
                _, table = adapter.execute(sql, fetch=True)
        except Exception:  # noqa: BLE001 - a taste is a courtesy; the failure itself is told already
            continue
        tastes[node.unique_id] = {
            "columns": list(table.column_names),
            "rows": [[plain(value) for value in row.values()] for row in table.rows],
        }
    return tastes


def plain(value):
    """A value that JSON has."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def is_hook(node):
    """on-run-start and on-run-end."""
    return isinstance(node, HookNode)
