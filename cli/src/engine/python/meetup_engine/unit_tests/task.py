"""The engine's operation `fixtures`: lists unit tests, or runs them in memory."""

import contextlib
import fnmatch
import time

from dbt.adapters.factory import get_adapter
from dbt.flags import set_flags
from dbt.node_types import NodeType
from dbt_common.exceptions import DbtBaseException

from meetup_engine.protocol import problems
from meetup_engine.build.fingerprints import fingerprints_of
from meetup_engine.unit_tests import writing
from meetup_engine.unit_tests.columns import Columns
from meetup_engine.unit_tests.comparing import compare, of_lost
from meetup_engine.unit_tests.compiling import compile_unit_test
from meetup_engine.unit_tests.lanes import Lanes, UnderWay, fetched
from meetup_engine.unit_tests.literals import lost_in_cast
from meetup_engine.unit_tests.memory import MemoryDatabase
from meetup_engine.unit_tests.places import place_of
from meetup_engine.unit_tests.tables import FixtureTables
from meetup_engine.build.runners import identity
from meetup_engine.lru_cache import LruCache


class Bench:
    """What a session keeps for its fixtures between requests."""

    def __init__(self, session, config):
        self.config_seen = session.config
        self.database = MemoryDatabase(config.credentials)
        self.columns_known = LruCache(4096)
        self.compiled = LruCache(4096)
        self.lost = {}
        self.cursor = self.database.cursor()
        self.lanes = Lanes(self.database)
        self.tables = FixtureTables(self.cursor)
        self.overridden = True
        self._fingerprints = None
        self._generation = None

    def fingerprints(self, session, config):
        # A partial parse changes the manifest in its place.
        if self._generation != session.generation:
            self._fingerprints = fingerprints_of(session, session.manifest, config)
            self._generation = session.generation
            self.overridden = writing.is_overridden(session.manifest)
        return self._fingerprints

    def close(self):
        self.lanes.close()
        self.database.close()


_benches = {}


def bench_of(session, config):
    """The one of this session, made again where its configuration changed."""
    bench = _benches.get(session)
    if bench is None or bench.config_seen is not session.config:
        if bench is not None:
            bench.close()
        bench = _benches[session] = Bench(session, config)
        while len(_benches) > 3:
            _benches.pop(next(iter(_benches))).close()
    return bench


def listed(session):
    """All fixtures of the project, in the order of their files."""
    tests = [test for test in session.manifest.unit_tests.values() if test.config.enabled]
    return [
        {**identity(test), "model": test.model, "line": place_of(test, session.settings.project_dir)[0]}
        for test in sorted(tests, key=lambda test: (test.model, test.original_file_path))
    ]


def interrupt():
    """Interrupts the unit tests that run now, if any. May be called from any thread."""
    for bench in list(_benches.values()):
        bench.lanes.interrupt()


class Runner:
    """Runs fixtures of one manifest. Use it inside `lent`."""

    def __init__(self, session, sources):
        self._session = session
        flags = session.flags("test", ["--no-write-json", "--no-populate-cache"])
        set_flags(flags)
        self._config = session.run_config(flags)
        self.adapter = get_adapter(self._config)
        self._bench = bench_of(session, self._config)
        self._fingerprints = self._bench.fingerprints(session, self._config)
        self._overridden = self._bench.overridden
        self.columns = Columns(
            session, self._config, self.adapter, self._bench.database, self._fingerprints, sources, self._bench.columns_known
        )

    def lent(self):
        """While it lasts, dbt works on the database in memory."""
        return self._bench.database.in_place_of(self.adapter, self.columns.of_relation)

    def compiled(self, test):
        """The test's statement, from memory where nothing that it is made from has changed."""
        tested = test.depends_on.nodes[0]
        key = self._key(test, tested)
        compiled = self._bench.compiled.get(key) if key else None
        if compiled is None:
            if key is None:
                # What it renders may ask the database for anything that it reads.
                self.columns.place_inputs(tested)
            compiled = compile_unit_test(
                test, self._session.manifest, self._config, self.adapter, self._bench.cursor, self._overridden
            )
            if key:
                self._bench.compiled.put(key, compiled)
        return compiled

    @property
    def tables(self):
        """The rows of fixtures as tables."""
        return self._bench.tables

    def new_cursor(self):
        """A connection of its own, for another thread."""
        return self._bench.database.cursor()

    @contextlib.contextmanager
    def without_statistics(self):
        """A connection whose plans follow from the SQL, and not from the few rows of a fixture."""
        cursor = self._bench.database.cursor()
        # The rest of them only arrange what is equal, and leave plans that DuckDB can't write down.
        switched_off = (
            "statistics_propagation,join_order,build_side_probe_side,unused_columns,column_lifetime,"
            "common_subexpressions,compressed_materialization,late_materialization"
        )
        cursor.execute(f"set disabled_optimizers = '{switched_off}'")
        try:
            yield cursor
        finally:
            cursor.execute("reset disabled_optimizers")

    def compiled_model(self, node):
        """The SQL of a model that has no fixture, on empty inputs."""
        self.columns.place_inputs(node.unique_id)
        return self.columns.compiled(node)

    def run(self, test):
        """One test's verdict, as the protocol says it."""
        return self.run_all([test])[0]

    def run_all(self, tests, is_cancelled=lambda: False):
        """The tests' verdicts, in their order. dbt compiles one after the other; the database runs them side by side."""
        under_way = []
        for test in tests:
            if is_cancelled():
                raise KeyboardInterrupt()
            under_way.append(self._begun(test))
        self._bench.lanes.run([one for one in under_way if one.statement is not None], is_cancelled)
        if is_cancelled():
            raise KeyboardInterrupt()
        return [self._verdict(one) for one in under_way]

    def _begun(self, test):
        one = UnderWay(test)
        with one.timed():
            try:
                one.compiled = self.compiled(test)
                one.statement = self._bench.tables.instead_of_rows(one.compiled)
            except Exception as error:  # noqa: BLE001 - dbt's and DuckDB's errors are the model's or the fixture's
                one.error = error
        one.compile_ms = one.ms
        return one

    def _verdict(self, one):
        difference = None
        with one.timed():
            try:
                difference = None if one.error else self._difference(one)
            except Exception as error:  # noqa: BLE001 - what can't be compared is the fixture's
                one.error = error
        told = {**identity(one.test), "model": one.test.model, "ms": round(one.ms, 2)}
        if one.error is not None:
            return {**told, **self._told_error(one)}
        told["compileMs"] = round(one.compile_ms, 2)
        if difference is None:
            return {**told, "status": "pass", "message": None}
        line, rows = place_of(one.test, self._session.settings.project_dir)
        for shown in (*difference["missing"], *difference["differing"]):
            row = shown.pop("row", None)
            shown["line"] = rows[row] if row is not None and row < len(rows) else None
        return {**told, "status": "fail", "message": None, "line": line, "difference": difference}

    def _told_error(self, one):
        error = one.error
        if not isinstance(error, DbtBaseException):
            return self._broken(one.test, str(error), one.compiled and one.compiled.statement)
        code = one.compiled.statement if one.compiled is not None else getattr(error, "compiled_code", None)
        reason = getattr(error, "reason", error)
        return self._broken(one.test, problems.text_of(error), code, problems.text_of(reason))

    def _difference(self, one):
        names, types, rows = one.result
        found = compare(names, rows)
        if found is not None:
            return found
        # All is as expected: whether it only seems so, because a cast took from what was expected.
        by_name = {name.lower(): str(data_type) for name, data_type in zip(names, types)}
        key = (one.compiled.statement, tuple(by_name.items()))
        if key not in self._bench.lost:
            self._bench.lost[key] = lost_in_cast(one.test, by_name, self._bench.database.cursor())
        return of_lost(names, rows, self._bench.lost[key])

    def rows(self, statement):
        """Names of the columns, and rows of typed values."""
        names, _, rows = fetched(self._bench.cursor, self._bench.cursor.execute, statement)
        return names, rows

    def _key(self, test, tested):
        fingerprint = self._fingerprints.of(test.unique_id)
        if fingerprint is None or not self._fingerprints.renders_the_same(tested):
            return None
        inputs = self._session.manifest.nodes[tested].depends_on.nodes
        itself = [tested] if any(given.input.strip() == "this" for given in test.given) else []
        return (fingerprint, tuple(self.columns.of(unique_id) for unique_id in (*inputs, *itself)))

    def _broken(self, test, message, code, reason=None):
        project_dir = self._session.settings.project_dir
        line, _ = place_of(test, project_dir)
        tested = self._session.manifest.nodes[test.depends_on.nodes[0]]
        problem = problems.node_problem(_Place(tested, code), reason or message, project_dir)
        if problem["kind"] != "database" or problem["line"] is None:
            problem = problems.node_problem(_Place(tested, code), message, project_dir)
            problem.update(file=test.original_file_path, line=line)
        return {"status": "error", "message": message, "problem": problem, "line": line}


class _Place:
    """A unit test as `problems` looks at nodes: an error of the database lies in the model's own file."""

    def __init__(self, tested, code):
        self.original_file_path = tested.original_file_path
        self.raw_code = tested.raw_code
        self.compiled_code = code


def run_fixtures(session, request):
    """All, or those of `uniqueIds`."""
    started = time.perf_counter()
    document = request.document
    wanted = document.get("uniqueIds")
    tests = session.manifest.unit_tests
    named = tests.values() if wanted is None else [tests[name] for name in dict.fromkeys(wanted) if name in tests]
    chosen = [test for test in named if test.config.enabled]
    runner = Runner(session, document.get("sources") or {})
    with runner.lent():
        results = runner.run_all(chosen, lambda: request.cancelled)
    failed = any(result["status"] != "pass" for result in results)
    return {"status": "fail" if failed else "pass", "problems": [], "tests": results, "ms": {"total": _ms(started)}}


def operations(session_of, refresh):
    """What the engine's worker registers: the operations of this package by name."""

    def fixtures(request):
        session = session_of(request)
        # A client that runs one test after the other says so, and the files are looked at for the first one only.
        parse, found = None, []
        ready = session.manifest is not None and session is type(session)._adapter_owner
        if not ready or request.document.get("generation") != session.generation:
            parse, found = refresh(session, request)
            if parse is None:
                return {"status": "invalid", "problems": found, "tests": [], "generation": session.generation, "ms": {}}
        if request.document.get("list"):
            answer = {"status": "pass", "problems": [], "tests": listed(session), "ms": {}}
        else:
            answer = run_fixtures(session, request)
        return {**answer, "generation": session.generation}

    def strength(request):
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "models": [], "ms": {}}
        # Only who asks for it waits for the parser to be imported.
        try:
            from meetup_engine.unit_tests.mutation import coverage, mutants
        except ImportError as error:
            raise MissingPackage(f"{error.name} is in requirements.txt, and not in the toolchain") from error
        runner = Runner(session, request.document.get("sources") or {})
        nodes, tests = models_of(session, request), tests_by_model(session)
        if request.op == "coverage":
            return coverage.operation(runner, nodes, tests)
        return mutants.operation(runner, nodes, tests, request)

    return {"fixtures": fixtures, "mutate": strength, "coverage": strength}


class MissingPackage(Exception):
    """A package of requirements.txt is not there: the toolchain is older than the project."""


def models_of(session, request):
    """The project's own models by unique id, all or those of `select`: names, with * for any letters."""
    wanted = request.document.get("select") or ["*"]
    return {
        unique_id: node
        for unique_id, node in session.manifest.nodes.items()
        if node.resource_type == NodeType.Model
        and node.language == "sql"
        and node.package_name == session.config.project_name
        and any(fnmatch.fnmatch(node.name, pattern) for pattern in wanted)
    }


def tests_by_model(session):
    """Unit tests that are enabled, by the unique id of the model that they test."""
    found = {}
    for test in session.manifest.unit_tests.values():
        if test.config.enabled:
            found.setdefault(test.depends_on.nodes[0], []).append(test)
    return found


def _ms(started):
    return round((time.perf_counter() - started) * 1000, 2)
