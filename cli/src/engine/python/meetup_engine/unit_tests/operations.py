"""The engine's operations on unit tests: list them, run them, and measure how much they cover."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dbt.artifacts.resources.types import NodeType

from meetup_engine.build.runners import identity
from meetup_engine.project.names import called
from meetup_engine.timing import ms_since
from meetup_engine.unit_tests.places import place_of
from meetup_engine.unit_tests.runner import UnitTestRunner

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ManifestNode, UnitTestDefinition

    from meetup_engine.project.project import Parse, Project
    from meetup_engine.protocol.messages import (
        Answer,
        CoverageAnswer,
        MutationAnswer,
        Problem,
        UnitTest,
        UnitTestsAnswer,
    )
    from meetup_engine.protocol.wire import Request

    SessionOf = Callable[[Request], Project]
    # The outcome of the parse, or the project's problems.
    Refresh = Callable[[Project, Request], tuple[Parse | None, list[Problem]]]


class MissingPackage(Exception):
    """A package in requirements.txt is not installed because the toolchain is older than the project."""


def operations(session_of: SessionOf, refresh: Refresh) -> Mapping[str, Callable[[Request], Answer]]:
    """The operations by name, for the engine's worker."""

    def fixtures(request: Request) -> UnitTestsAnswer:
        session = session_of(request)
        # A client that runs one test after another sends the generation, so that files are only checked for the first one.
        ready = session.has_manifest and session.owns_adapter
        if not ready or request.document.get("generation") != session.generation:
            parse, found = refresh(session, request)
            if parse is None:
                return {"status": "invalid", "problems": found, "tests": [], "generation": session.generation, "ms": {}}
        if request.document.get("list"):
            answer: UnitTestsAnswer = {"status": "pass", "problems": [], "tests": listed(session), "ms": {}}
        else:
            answer = run_unit_tests(session, request)
        return {**answer, "generation": session.generation}

    def strength(request: Request) -> MutationAnswer | CoverageAnswer:
        session = session_of(request)
        parse, found = refresh(session, request)
        if parse is None:
            return {"status": "invalid", "problems": found, "models": [], "ms": {}}
        # Imported on demand, because the SQL parser takes a while to import.
        try:
            from meetup_engine.unit_tests.mutation import coverage, mutants
        except ImportError as error:
            raise MissingPackage(f"{error.name} is in requirements.txt, but not in the toolchain") from error
        runner = UnitTestRunner(session, request.document.get("sources") or {})
        nodes, tests = models_of(session, request), tests_by_model(session)
        if request.op == "coverage":
            return coverage.operation(runner, nodes, tests)
        return mutants.operation(runner, nodes, tests, request)

    return {"fixtures": fixtures, "mutate": strength, "coverage": strength}


def listed(session: Project) -> list[UnitTest]:
    """All unit tests of the project, ordered by file."""
    elsewhere = session.elsewhere()
    tests = [
        test for name, test in session.manifest.unit_tests.items() if test.config.enabled and name not in elsewhere
    ]
    return [
        {**identity(test), "model": test.model, "line": place_of(test, session.settings.project_dir)[0]}
        for test in sorted(tests, key=lambda test: (test.model, test.original_file_path))
    ]


def run_unit_tests(session: Project, request: Request) -> UnitTestsAnswer:
    """Runs all unit tests, or those in `uniqueIds`."""
    started = time.perf_counter()
    document = request.document
    wanted = document.get("uniqueIds")
    tests = session.manifest.unit_tests
    named = tests.values() if wanted is None else [tests[name] for name in dict.fromkeys(wanted) if name in tests]
    elsewhere = session.elsewhere()
    chosen = [test for test in named if test.config.enabled and test.unique_id not in elsewhere]
    runner = UnitTestRunner(session, document.get("sources") or {})
    with runner.lent():
        results = runner.run_all(chosen, lambda: request.cancelled)
    failed = any(result["status"] != "pass" for result in results)
    ms = {"total": ms_since(started)}
    return {"status": "fail" if failed else "pass", "problems": [], "tests": results, "ms": ms}


def models_of(session: Project, request: Request) -> dict[str, ManifestNode]:
    """
    Models of the root project by unique id: all, or those that match `select`, which are names with * as a wildcard. The name of a
    model selects all its versions.
    """
    wanted = request.document.get("select") or ["*"]
    elsewhere = session.elsewhere()
    return {
        unique_id: node
        for unique_id, node in session.manifest.nodes.items()
        if node.resource_type == NodeType.Model
        and unique_id not in elsewhere
        and node.language == "sql"
        and node.package_name == session.config.project_name
        and any(fnmatch.fnmatch(name, pattern) for pattern in wanted for name in (node.name, called(node)))
    }


def tests_by_model(session: Project) -> dict[str, list[UnitTestDefinition]]:
    """The enabled unit tests by the unique id of the tested model."""
    found: dict[str, list[UnitTestDefinition]] = {}
    for test in session.manifest.unit_tests.values():
        if test.config.enabled:
            found.setdefault(test.depends_on.nodes[0], []).append(test)
    return found
