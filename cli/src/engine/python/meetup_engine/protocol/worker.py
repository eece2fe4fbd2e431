"""Processes requests one at a time in the main thread."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType
from dbt.context.query_header import generate_query_header_context  # noqa: F401 - imported before the first request
from dbt.flags import set_flags
from dbt.version import __version__ as _dbt_version
from dbt_common.exceptions import DbtBaseException

from meetup_engine.build import freshness
from meetup_engine.build.affected import AffectedBuild
from meetup_engine.build.runners import (
    FAILED,
    DiffingTestRunner,
    Streaming,
    borrowed_nodes,
    from_scratch,
    give_queries,
    interrupt_queries,
    is_hook,
)
from meetup_engine.build.runners import TASKS as DBT_TASKS
from meetup_engine.dbt_patches import registry
from meetup_engine.dbt_patches.readable_files import unreadable
from meetup_engine.project import branched, changes, elsewhere, metrics
from meetup_engine.project.names import called
from meetup_engine.project.project import Project, settings_from
from meetup_engine.protocol import events, problems
from meetup_engine.protocol.cancelling import Cancellation, Cancelled
from meetup_engine.timing import ms_since
from meetup_engine.unit_tests import operations as unit_test_operations
from meetup_engine.unit_tests import runner as unit_test_runner

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

    from meetup_engine.project.project import Parse, Settings
    from meetup_engine.protocol.messages import (
        Answer,
        LineageAnswer,
        ParseAnswer,
        ParseReport,
        Problem,
        RequestDocument,
        TaskAnswer,
    )
    from meetup_engine.protocol.wire import Request, Server

# After this long without work, the engine collects garbage and saves the manifest for its next start.
IDLE_SECONDS = 0.7
# The number of sessions (target and variables) to keep; each holds a manifest.
KEPT_SESSIONS = 3
# How often a parse is repeated because files disappear during it, as in a git checkout.
LOOKS_AT_MOVING_FILES = 3


def dbt_version() -> str:
    return _dbt_version


class Worker:
    """Owns the sessions and dbt's state in this process."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sessions: dict[Settings, Project] = {}
        self._events = events.install()
        registry.install()
        self._untidy = True
        self.saving = threading.Lock()
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "parse": self._parse,
            "build": self._run_task,
            "run": self._run_task,
            "test": self._run_task,
            "compile": self._run_task,
            "affected": self._run_task,
            **unit_test_operations.operations(self._session, self._refresh),
            **changes.operation(self._session, self._refresh),
            **metrics.operation(self._session, self._refresh),
            **freshness.operation(self._session, self._refresh),
            "lineage": self._lineage,
        }
        self._cancellation = Cancellation(_interrupt_queries)
        server.on_cancel = self._cancellation.cancel
        # Exclude imported objects from garbage collection, and collect rarely during a request.
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        gc.enable()

    def run(self) -> None:
        while True:
            try:
                request = self._server.work.get(timeout=IDLE_SECONDS if self._untidy else None)
            except queue.Empty:
                self._tidy()
                continue
            if self._server.take_up(request):
                self._serve(request)

    def _serve(self, request: Request) -> None:
        self._untidy = True
        try:
            operation = self._operations.get(request.op)
            if operation is None:
                request.error("unknown", f"The engine does not know {request.op!r}.")
                return
            self._events.listener = request.event
            with self._cancellation.honoured(request):
                answer = operation(request)
            # Before the answer, because the client may open the database as soon as it arrives.
            self._release(clean=answer["status"] == "pass")
            request.result(answer)
        except KeyboardInterrupt:
            self._release()
            request.error("cancelled", "The request was cancelled.")
        except OSError as error:
            traceback.print_exc(file=sys.stderr)
            self._release()
            request.error("file", f"The dbt engine can't use {error.filename or 'a file'}: {error.strerror or error}.")
        except Exception as error:  # noqa: BLE001 - the engine survives errors in a request
            traceback.print_exc(file=sys.stderr)
            self._release()
            request.error("failed", f"{type(error).__name__}: {problems.text_of(error)}", traceback.format_exc())
        finally:
            self._events.listener = None
            self._server.current = None
            self._server.done(request)
            if any(session.unsaved for session in self._sessions.values()):
                self._save()

    # --- operations ---

    def _parse(self, request: Request) -> ParseAnswer:
        session = self._session(request)
        started = time.perf_counter()
        parse, found = self._refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "ms": {"total": ms_since(started)}}
        return {"status": "ok", "problems": [], **report_of(parse, session)}

    def _run_task(self, request: Request) -> TaskAnswer:
        started = time.perf_counter()
        session = self._session(request)
        parse, found = self._refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "nodes": [], "ms": {"total": ms_since(started)}}
        if request.cancelled:
            raise Cancelled()
        request.event({"event": "parsed", **report_of(parse, session)})
        document = request.document
        self._server.local = session.config.credentials.type == "duckdb"
        flags = session.flags(COMMANDS.get(request.op, request.op), task_arguments(document))
        set_flags(flags)
        DiffingTestRunner.diffs = {}
        session.acquire()
        state_folder = document.get("stateDir")
        if self._server.local and state_folder:
            # The inputs of the database are known again after the next full build.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(state_folder, "built.json"))
        run_started = time.perf_counter()
        place = document.get("branch")
        with borrowed_nodes(session.manifest), branched.moved(session.manifest, place, session.config):
            from_scratch(session.manifest, document.get("fullRefreshIds") or ())
            give_queries(session.manifest, document.get("givenQueries") or {})
            task = TASKS[request.op](flags, session.run_config(flags), session.manifest)
            task.prepare(request, session, document.get("uniqueIds"))
            task.keep_state_in(state_folder)
            if isinstance(task, AffectedBuild):
                from_scratch_all = bool(document.get("fullRefresh"))
                everything = from_scratch_all or bool(document.get("everything"))
                task.configure(document.get("again") or (), everything, from_scratch_all)
            try:
                results = task.run_all()
            except (DbtBaseException, RuntimeError) as error:
                if not problems.is_project_problem(error):
                    raise
                described = [problems.problem_of(error, session.settings.project_dir, session.known_files())]
                return {"status": "invalid", "problems": described, "nodes": [], "ms": {"total": ms_since(started)}}
            if request.cancelled:
                raise Cancelled()
            answer = _answer_of(task, results)
        answer["parse"] = report_of(parse, session)
        answer["elsewhere"] = [
            {"name": called(node), "reason": reason}
            for unique_id, reason in sorted(session.elsewhere().items())
            if (node := session.manifest.nodes.get(unique_id)) is not None and node.resource_type != NodeType.Test
        ]
        answer["ms"] = {"run": ms_since(run_started), "total": ms_since(started)}
        if isinstance(task, AffectedBuild):
            answer["inputs"] = {**session.inputs(), "repeatable": task.repeatable()}
        return answer

    def _lineage(self, request: Request) -> LineageAnswer:
        # Imported on demand, because the SQL parser takes a while to import.
        from meetup_engine.lineage import operation

        return operation.run(self._session, self._refresh, request)

    # --- sessions ---

    def _session(self, request: Request) -> Project:
        settings = settings_from(request.document)
        session = self._sessions.pop(settings, None) or Project(settings)
        # In order of last use.
        self._sessions[settings] = session
        session.take_environment(request.document.get("env"))
        while len(self._sessions) > KEPT_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        return session

    def _refresh(self, session: Project, request: Request) -> tuple[Parse | None, list[Problem]]:
        document = request.document
        self._server.local = False
        try:
            if document.get("asRead"):
                return session.as_read(), []
            parse = _refreshed(session, document.get("files") or (), bool(document.get("full")))
            refused = elsewhere.refused(session.manifest)
            return (None, refused) if refused else (parse, [])
        except OSError as error:
            return None, [problems.problem_of(unreadable(error), session.settings.project_dir)]
        except DbtBaseException as error:
            return None, [problems.problem_of(error, session.settings.project_dir, session.known_files())]

    # --- between requests ---

    def _release(self, clean: bool = False) -> None:
        """Closes the DuckDB file, so that others can open it."""
        try:
            for session in self._sessions.values():
                session.release(clean)
        except Exception:  # noqa: BLE001 - an engine that keeps the file open blocks everybody else
            traceback.print_exc(file=sys.stderr)
            os._exit(70)

    def _tidy(self) -> None:
        self._untidy = False
        self._save(everything=True)
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _save(self, everything: bool = False) -> None:
        with self.saving:
            try:
                for session in self._sessions.values():
                    if everything or session.unsaved:
                        session.write_partial_parse()
            except Exception:  # noqa: BLE001 - it only makes the next start slower
                traceback.print_exc(file=sys.stderr)


def _answer_of(task: Streaming, results: Iterable[RunResult]) -> TaskAnswer:
    """A task's answer, without the fields that the request adds."""
    results = list(results)
    nodes = [task.described(result) for result in results if not is_hook(result.node)]
    hooks = [result for result in results if is_hook(result.node) and result.status in FAILED]
    nodes.extend(task.described(result) for result in hooks)
    failed = bool(hooks) or task.has_failed(results)
    answer: TaskAnswer = {"status": "fail" if failed else "pass", "problems": [], "nodes": nodes, "ms": {}}
    if isinstance(task, AffectedBuild):
        answer["nodes"] = [*task.unit_test_results, *nodes]
        answer["status"] = "fail" if failed or task.failing() else "pass"
        found = task.found()
        answer["spared"], answer["failing"] = found["spared"], found["failing"]
        answer["unchanged"], answer["removed"] = found["unchanged"], found["removed"]
    return answer


def _refreshed(session: Project, named: Collection[str], full: bool) -> Parse:
    """Refreshes the manifest, and repeats that if files disappear between being listed and being read."""
    for _ in range(LOOKS_AT_MOVING_FILES):
        with contextlib.suppress(FileNotFoundError):
            return session.refresh(named, full)
    return session.refresh(named, full)


def _interrupt_queries() -> None:
    """Interrupts running queries of dbt and of unit tests."""
    interrupt_queries()
    unit_test_runner.interrupt()


TASKS: dict[str, type[Streaming]] = {**DBT_TASKS, "affected": AffectedBuild}

# The dbt command whose flags each operation uses.
COMMANDS = {"affected": "build"}


def report_of(parse: Parse, session: Project) -> ParseReport:
    """A parse in the protocol's format."""
    return {"kind": parse.kind, "files": parse.files, "ms": parse.ms, "generation": session.generation}


def task_arguments(document: RequestDocument) -> list[str]:
    """The dbt command-line arguments for a request."""
    arguments: list[str] = []
    if document.get("select"):
        arguments += ["--select", *(document["select"] or ())]
    if document.get("exclude"):
        arguments += ["--exclude", *(document["exclude"] or ())]
    if document.get("fullRefresh") and document["op"] in ("build", "run", "compile"):
        arguments.append("--full-refresh")
    if document.get("failFast"):
        arguments.append("--fail-fast")
    if document.get("threads"):
        arguments += ["--threads", str(document["threads"])]
    for resource_type in document.get("resourceTypes") or ():
        arguments += ["--resource-type", resource_type]
    indirect = document.get("indirectSelection")
    if indirect:
        arguments += ["--indirect-selection", indirect]
    arguments.append("--write-json" if document.get("writeArtifacts") else "--no-write-json")
    arguments.append("--no-populate-cache")
    return arguments
