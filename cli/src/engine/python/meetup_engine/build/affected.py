"""Builds exactly what is out of date, in dbt's own order and by dbt's own runners.

What may be affected is known before: nodes whose definition or inputs changed, and everything downstream of them. What
is affected shows on the way: a model whose rebuilt content is what it was before stops the cascade there.
"""

import contextlib
import copy
import threading
import time

from dbt.adapters.factory import get_adapter
from dbt.contracts.results import NodeStatus
from dbt.flags import set_flags
from dbt.graph import GraphQueue
from dbt.node_types import NodeType
from dbt.task.build import BuildTask
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build import data_tests
from meetup_engine.unit_tests.runner import UnitTestRunner
from meetup_engine.dbt_patches import calls, late_files
from meetup_engine.build.build_state import BuildState, Record
from meetup_engine.build.compiled import statement_of
from meetup_engine.build.contents import Contents, digest
from meetup_engine.dbt_patches.early_database import EarlyDatabase
from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.build.runners import DiffingTestRunner, Streaming, identity
from meetup_engine.project.environment import recording
from meetup_engine.protocol.cancelling import Cancelled

_STORED = frozenset({"table", "incremental", "snapshot", "seed"})
_RUNNABLE = frozenset({NodeType.Model, NodeType.Seed, NodeType.Snapshot, NodeType.Test})
_BAD = {
    NodeStatus.Error: "error",
    NodeStatus.RuntimeErr: "error",
    NodeStatus.PartialSuccess: "error",
    NodeStatus.Fail: "fail",
}
_UNIT_BAD = {"error": "error", "fail": "fail"}


class Seen:
    """What the database held when it was looked at: all columns, and the contents of the sources."""

    def __init__(self, contents, manifest):
        self.columns = contents.columns()
        self.sources = {
            unique_id: self._content(contents, source) for unique_id, source in manifest.sources.items()
        }

    def _content(self, contents, source):
        columns = self.columns.get((source.schema, source.identifier))
        if columns is None:
            return None
        if any(name == "_batch_seq" for name, _ in columns):
            return contents.of_append_only(source.relation_name, columns)
        return contents.of_table(source.relation_name, columns)


class Desk:
    """What every node is made from now, beside what it was made from at its last run."""

    def __init__(self, session, config, manifest, state, fingerprints, seen, again=()):
        self._session = session
        self._config = config
        self._statements = {}
        # What unit tests stand on: set once there is something that tells it.
        self.columns_in_memory = None
        self.manifest = manifest
        self.state = state
        self._fingerprints = fingerprints
        self._columns = seen.columns
        self._again = frozenset(again)
        self._lineage = {}
        # Contents of views, which follow from what they read: forgotten whenever something was built.
        self._derived = {}
        self._contents = seen.sources
        # What came out of its run with the content that it had.
        self.unchanged = set()

    def ask_for_everything(self):
        self._again = frozenset(self.executable())

    def executable(self):
        """Everything that a build runs, unit tests too."""
        nodes = [unique_id for unique_id, node in self.manifest.nodes.items() if node.resource_type in _RUNNABLE]
        return [*nodes, *self.manifest.unit_tests]

    def gone(self):
        """Ids of nodes that are no longer there, or whose relation has another name now."""
        nodes, unit_tests = self.manifest.nodes, self.manifest.unit_tests
        return [
            unique_id
            for unique_id, record in self.state.records.items()
            if unique_id not in unit_tests and (unique_id not in nodes or _relation_of(nodes[unique_id]) != record.place)
        ]

    def leftovers(self, gone):
        """The relations of nodes that are gone, but for those that other nodes make now, and the history of snapshots."""
        current = {_relation_of(node) for node in self.manifest.nodes.values()}
        places = [self.state.records[unique_id].place for unique_id in gone if not unique_id.startswith("snapshot.")]
        return [place for place in places if place is not None and place not in current]

    def dropped(self, places):
        """These relations are no longer in the database."""
        for place in places:
            self._columns.pop(place, None)

    def identity(self, unique_id):
        """
        What stands for a node's definition to those that read it: the same as at its last run as long as its SQL is the
        same, in whatever words.
        """
        if unique_id in self.manifest.unit_tests:
            tested = self.manifest.unit_tests[unique_id].depends_on.nodes[0]
            return digest(self._fingerprints.parts(unique_id).whole, self.identity(tested))
        parts, record = self._fingerprints.parts(unique_id), self.state.records.get(unique_id)
        if record is not None and (parts.volatile or self._follows_from(unique_id, record, parts)):
            return record.identity
        return parts.whole

    def _follows_from(self, unique_id, record, parts):
        """Whether what a node's last run made follows from its definition of now; its inputs are another matter."""
        if record.environment != self._session.environment.values_of(record.environment.keys()):
            return False
        if record.unforeseen and record.unforeseen_digest != self._fingerprints.digest_of(record.unforeseen):
            return False
        if record.definition == parts.whole:
            return True
        if record.surroundings != parts.surroundings or not parts.compilable or parts.volatile:
            return False
        if not self._says_the_same(unique_id, record):
            return False
        record.definition = parts.whole
        return True

    def _says_the_same(self, unique_id, record):
        """Whether a model compiles to the statement that it last ran."""
        node = self.manifest.nodes.get(unique_id)
        if record.statement is None or node is None or node.resource_type != NodeType.Model:
            return False
        if unique_id not in self._statements:
            self._statements[unique_id] = self._statement(node)
        return self._statements[unique_id] == record.statement

    def _statement(self, node):
        return statement_of(node, self.manifest, self._config)

    def stale(self, unique_id):
        """Why a node is to be run now; None where it is up to date."""
        record = self.state.records.get(unique_id)
        if unique_id in self._again:
            return "asked for"
        if record is None:
            return "new"
        if record.verdict in ("fail", "error"):
            return "failing"  # a verdict that stands is said again, with its rows
        parts = self._fingerprints.parts(unique_id)
        if parts.volatile:
            return "volatile"
        if unique_id in self.manifest.unit_tests:
            environment = self._session.environment.values_of(record.environment.keys())
            if record.definition != self.identity(unique_id) or record.environment != environment:
                return "changed"
        elif not self._follows_from(unique_id, record, parts):
            return "changed"
        node = self.manifest.nodes.get(unique_id)
        if node is not None and _relation_of(node) is not None and self.schema(unique_id) is None:
            return "missing"
        if node is not None and node.resource_type == NodeType.Snapshot and record.data == self._data_above(unique_id):
            return None  # history is of the data: a model that is written otherwise makes none
        return self._stale_inputs(unique_id, record)

    def stale_at_its_turn(self, unique_id):
        """The same, when all that it reads is built: what asks the database can be compiled then, and compared."""
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
            return None if self._says_the_same(unique_id, record) else reason

    def inputs(self, unique_id):
        """What a run of the node depends on: contents for most, only columns for unit tests and views."""
        if unique_id in self.manifest.unit_tests:
            tested = self.manifest.unit_tests[unique_id].depends_on.nodes[0]
            return {name: self._columns_in_memory(name) for name in self.manifest.nodes[tested].depends_on_nodes}
        node = self.manifest.nodes[unique_id]
        read = self.schema if _is_view(node) else self.content
        return {name: read(name) for name in node.depends_on_nodes}

    def content(self, unique_id):
        """The content of a node or source as it is now; of a view it follows from what it reads."""
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
            self._derived[unique_id] = digest(self.identity(unique_id), inputs)
        return self._derived[unique_id]

    def schema(self, unique_id):
        """The columns of a node's or source's relation; None where it does not exist."""
        node = self.manifest.nodes.get(unique_id) or self.manifest.sources.get(unique_id)
        if node is None:
            return None
        if getattr(node, "is_ephemeral_model", False):
            return digest(self.identity(unique_id), [self.schema(name) for name in node.depends_on_nodes])
        columns = self._columns.get((node.schema, node.alias if hasattr(node, "alias") else node.identifier))
        return None if columns is None else digest(columns)

    def tables(self):
        """The columns of everything that is in the database, as the fixtures' bench wants them."""
        return {f"{schema}.{name}".lower(): columns for (schema, name), columns in self._columns.items() if columns}

    def _columns_in_memory(self, unique_id):
        try:
            columns = self.columns_in_memory(unique_id)
        except DbtBaseException:
            return None  # above the tested model something is broken
        return None if columns is None else digest(columns)

    def lineage(self, unique_id):
        """The definitions of a node and of everything that it is made from, without their contents."""
        if unique_id not in self._lineage:
            node = self.manifest.nodes.get(unique_id)
            parts = [] if node is None else [self.lineage(name) for name in node.depends_on_nodes]
            definition = self.identity(unique_id) if node is not None else unique_id
            self._lineage[unique_id] = digest(definition, parts)
        return self._lineage[unique_id]

    def _data_above(self, unique_id):
        seen, pending = set(), [unique_id]
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                node = self.manifest.nodes.get(name)
                pending.extend(node.depends_on_nodes if node is not None else ())
        nodes = self.manifest.nodes
        seeds = {name for name in seen if name in nodes and nodes[name].resource_type == NodeType.Seed}
        return digest([(name, self.content(name)) for name in sorted(seeds | (seen & set(self.manifest.sources)))])

    def only_data_is_new(self, unique_id):
        """Whether an incremental model may process just what is new: nothing that it is made from has another definition."""
        record = self.state.records.get(unique_id)
        return record is not None and record.lineage == self.lineage(unique_id)

    def ran(self, unique_id, verdict, message, contents, read=frozenset(), called=frozenset()):
        """
        Keeps what a node was just made from, and what came out. `read`, `called`: environment variables and macros that
        dbt was seen to ask for while it ran.
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
            verdict=verdict,
            message=message,
            relation=_relation_of(node) if node is not None else None,
        )
        if node is not None and node.resource_type == NodeType.Model and parts.compilable:
            record.statement = self._statements[unique_id] = self._statement(node)
        if parts.volatile:
            record.identity = digest(parts.whole, record.statement, time.time_ns() if record.statement is None else None)
        if node is not None and node.resource_type == NodeType.Snapshot:
            record.data = self._data_above(unique_id)
        previous = self.state.records.get(unique_id)
        if node is not None:
            self.state.records[unique_id] = record
            # Of what it was made from just now, itself among it.
            self._lineage.pop(unique_id, None)
            record.lineage = self.lineage(unique_id)
        record.content = previous.content if previous is not None else None
        if verdict not in ("fail", "error") and record.relation is not None:
            self._columns[record.relation] = columns = contents.columns_of(*record.relation)
            if node.config.materialized in _STORED:
                record.content = contents.of_table(node.relation_name, columns)
                if previous is not None and record.content == previous.content:
                    self.unchanged.add(unique_id)
        self.state.records[unique_id] = record
        if record.relation is not None:
            self._derived = {}

    def spare(self, unique_id):
        """A node that turned out to be up to date is made from the definitions of now, with the content of before."""
        record = self.state.records.get(unique_id)
        if record is not None and unique_id in self.manifest.nodes:
            record.lineage = self.lineage(unique_id)

    def _stale_inputs(self, unique_id, record):
        now = self.inputs(unique_id)
        changed = [name for name in now if now[name] != record.inputs.get(name) or now[name] is None]
        if changed or set(now) != set(record.inputs):
            return "inputs"
        return None


class UnitTests:
    """The project's unit tests in memory, beside a build on the real database."""

    def __init__(self, session, flags, desk):
        self._session = session
        self._flags = flags
        self._desk = desk
        self._runner = None
        self._columns = self._known_columns()

    def _known_columns(self):
        """Kept from build to build while nothing is parsed, and what no model makes has the same columns."""
        manifest = self._session.manifest
        given = [*manifest.sources, *(name for name, node in manifest.nodes.items() if node.resource_type == NodeType.Seed)]
        key = (self._session.generation, tuple((name, self._desk.schema(name)) for name in given))
        if self._session.unit_columns is None or self._session.unit_columns[0] != key:
            self._session.unit_columns = (key, {})
        return self._session.unit_columns[1]

    def columns_of(self, unique_id):
        """The columns that a node or source has by its definition. @raises DbtBaseException where it is broken."""
        if unique_id not in self._columns:
            with self._at_work() as runner:
                self._columns[unique_id] = runner.columns.of(unique_id)
        return self._columns[unique_id]

    def run(self, test):
        """A unit test's result, as the protocol says it."""
        with self._at_work() as runner:
            return {"failures": None, **runner.run(test)}

    @contextlib.contextmanager
    def _at_work(self):
        if self._runner is None:
            self._runner = UnitTestRunner(self._session, self._desk.tables())
        with self._runner.lent():
            yield self._runner
        set_flags(self._flags)
        self._session.run_config(self._flags)


class AffectedBuild(Streaming, BuildTask):
    """dbt's build, except that each node is asked, when its turn comes, whether it has to run at all."""

    def attend(self, again, everything):
        """
        Must be called before `run`, after `prepare` and `keep_state_in`. `again`: nodes to run even though they are up
        to date; `everything`: all of them.
        """
        self._state = BuildState(self._state_folder, self.config.target_name)
        self._again = again
        self._everything = everything
        self._keeping = threading.Lock()
        self._under_way = set()
        self._defect = None
        self.spared = []
        self.unit_test_results = []
        self.removed = []
        return self

    def run(self):
        late_files.files.on = True
        try:
            results = super().run()
            if self._defect is not None:
                raise self._defect
            self._session.seen = self._seen
            return results
        finally:
            late_files.files.on = False
            # What was cut off is unknown; what was finished before stays done.
            self._state.forget(self._under_way)
            self._state.write()

    def _runtime_initialize(self):
        self._fingerprints = fingerprints_of(self._session, self.manifest, self.config)
        self._desk = Desk(self._session, self.config, self.manifest, self._state, self._fingerprints, self._look(), self._again)
        self._unit_tests = UnitTests(self._session, self.args, self._desk)
        self._desk.columns_in_memory = self._unit_tests.columns_of
        if self._everything:
            self._desk.ask_for_everything()
        self._remove_leftovers()
        super()._runtime_initialize()

    def _remove_leftovers(self):
        gone = self._desk.gone()
        leftovers = self._desk.leftovers(gone)
        if leftovers:
            with contents_of(self.config) as contents:
                self.removed = contents.drop(leftovers)
            self._desk.dropped(leftovers)
        # Not before: where the drop is interrupted, the next build has to know about it.
        self._state.forget(gone)

    def _look(self):
        """Opens the database only where somebody may have changed it since this session did."""
        seen, self._session.seen = self._session.seen, None
        if not self._session.untouched or seen is None or set(seen.sources) != set(self.manifest.sources):
            with contents_of(self.config) as contents:
                seen = Seen(contents, self.manifest)
        self._seen = seen
        return seen

    def get_graph_queue(self):
        nodes = self._candidates()
        unit_tests = sorted(nodes & set(self.manifest.unit_tests))
        stale = [unique_id for unique_id in unit_tests if self._desk.stale(unique_id) is not None]
        # A process that is killed from here on leaves a memory that knows nothing of what it may have touched.
        self._state.write(without=nodes)
        early = EarlyDatabase(self.config.credentials) if stale and len(nodes) > len(unit_tests) else None
        try:
            self._run_unit_tests(stale)
        finally:
            if early is not None:
                early.hand_over()
        for unique_id in unit_tests:
            if unique_id not in stale:
                self._spare(self.manifest.unit_tests[unique_id])
        nodes -= set(unit_tests)
        self._block_below_old_failures(nodes)
        return GraphQueue(self.graph.get_subset_graph(nodes).graph, self.manifest, nodes)

    def _run_unit_tests(self, unique_ids):
        """
        All of them before the first model: they need none of its data, in memory they take milliseconds, and what they
        find keeps a model from being built.
        """
        # The same as told by dbt where there are none.
        self.selected_unit_tests = set()
        self.model_to_unit_test_map = {}
        for unique_id in unique_ids:
            if self._request.cancelled:
                raise Cancelled()
            if None in self._desk.inputs(unique_id).values():
                continue  # what it stands on is broken, and told for itself
            test = self.manifest.unit_tests[unique_id]
            self._tell({"event": "started", **identity(test)})
            with recording() as read:
                described = self._unit_tests.run(test)
            if self._request.cancelled:
                raise Cancelled()
            self.unit_test_results.append(described)
            self._tell({"event": "finished", **described})
            self._desk.ran(unique_id, _UNIT_BAD.get(described["status"], "pass"), described["message"], None, read)

    def handle_job_queue(self, pool, callback):
        node = self.job_queue.get()
        if self._request.cancelled:
            self.job_queue.mark_done(node.unique_id)
        elif node.unique_id in self._skipped_children or self._desk.stale_at_its_turn(node.unique_id) is not None:
            self.handle_job_queue_node(node, pool, callback)
        else:
            self._spare(node)
            self.job_queue.mark_done(node.unique_id)

    def call_runner(self, runner):
        node = runner.node
        if runner.skip or node.is_ephemeral_model or self._request.cancelled:
            return super().call_runner(runner)
        with self._surviving(lambda: runner.do_skip(cause=None)), self._keeping:
            self._under_way.add(node.unique_id)
            self._refresh_wholly_where_needed(node)
            data_tests.remember(runner, self._fingerprints)
        with recording() as read, calls.recording() as called:
            result = super().call_runner(runner)
        verdict = _BAD.get(result.status, "pass")
        interrupted = self._request.cancelled and verdict != "pass"
        if interrupted or result.status == NodeStatus.Skipped:
            return result  # it stays under way, so that nothing is known about it
        with self._surviving(), self._keeping, contents_of(self.config) as contents:
            self._desk.ran(node.unique_id, verdict, result.message, contents, read, called)
            self._under_way.discard(node.unique_id)
        return result

    @contextlib.contextmanager
    def _surviving(self, then=lambda: None):
        """What is raised in a thread of dbt's pool is lost, and the build would wait for ever: it is kept for the end."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again in `run`
            self._defect = self._defect or error
            then()

    def get_runner_type(self, node):
        chosen = super().get_runner_type(node)
        return data_tests.RememberingTestRunner if chosen is DiffingTestRunner else chosen

    def failing(self):
        """Everything of the project that fails as it stands, whether it ran this time or not."""
        return [unique_id for unique_id in self._desk.executable() if self._desk.state.fails(unique_id)]

    def repeatable(self):
        """Whether everything that was read can be compared without dbt."""
        parts = [self._fingerprints.parts(unique_id) for unique_id in self._desk.executable()]
        return not any(part.volatile for part in parts)

    def found(self):
        return {
            "spared": [self._named(unique_id) for unique_id in self.spared],
            "unchanged": [self._named(unique_id) for unique_id in sorted(self._desk.unchanged)],
            "failing": [self._named(unique_id) for unique_id in self.failing()],
            "removed": self.removed,
        }

    def _named(self, unique_id):
        node = self.manifest.nodes.get(unique_id) or self.manifest.unit_tests[unique_id]
        record = self._desk.state.records.get(unique_id)
        return {**identity(node), "message": record.message if record is not None else None}

    def forget(self, unique_ids):
        """This build knows what it touches."""

    def _candidates(self):
        """Stale nodes, and everything downstream of them."""
        executable = set(self._desk.executable())
        reached = {unique_id for unique_id in executable if self._desk.stale(unique_id) is not None}
        for unique_id in list(reached):
            if self.graph.graph.has_node(unique_id):
                reached |= self.graph.descendants(unique_id)
        # A unit test's columns may change with a model upstream of the one that it tests.
        for unique_id, test in self.manifest.unit_tests.items():
            if test.depends_on.nodes[0] in reached:
                reached.add(unique_id)
        return reached & executable

    def _refresh_wholly_where_needed(self, node):
        """An incremental model whose definition, or that of anything above it, changed has to be made from scratch."""
        incremental = getattr(node.config, "materialized", None) == "incremental"
        if incremental and not self._desk.only_data_is_new(node.unique_id):
            node.config = copy.copy(node.config)
            node.config.full_refresh = True

    def _spare(self, node):
        """Up to date after all. A failure that stands still blocks what is downstream of it."""
        with self._keeping:
            self._desk.spare(node.unique_id)
            self.spared.append(node.unique_id)
        if self._desk.state.fails(node.unique_id):
            self._block_below(node.unique_id)

    def _block_below_old_failures(self, nodes):
        for unique_id in self._desk.executable():
            if unique_id not in nodes and self._desk.state.fails(unique_id):
                self._block_below(unique_id)

    def _block_below(self, unique_id):
        below = [unique_id]
        if unique_id in self.manifest.unit_tests:
            below = [self.manifest.unit_tests[unique_id].depends_on.nodes[0]]
            self._skipped_children[below[0]] = None
        for start in below:
            if self.graph.graph.has_node(start):
                for dependent in self.graph.get_dependent_nodes(start):
                    self._skipped_children[dependent] = None


@contextlib.contextmanager
def contents_of(config):
    """Reads contents through a connection of dbt's own."""
    adapter = get_adapter(config)
    with adapter.connection_named("contents"):
        yield Contents(adapter)


def _is_view(node):
    return node.resource_type == NodeType.Model and node.config.materialized == "view"


def _relation_of(node):
    """Schema and name of what a node makes; None for tests and ephemeral models."""
    if node.resource_type == NodeType.Test or getattr(node, "is_ephemeral_model", False):
        return None
    return (node.schema, node.alias)
