"""
Runs data tests without rendering their SQL again if it can't have changed since their last run, and counts the failing rows of several
tests of one relation together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbt.adapters.contracts.connection import AdapterResponse
from dbt.artifacts.resources.types import NodeType
from dbt.flags import get_flags
from dbt.task.test import TestResultData
from dbt.utils.utils import _coerce_decimal

from meetup_engine.build.counted_tests import Condition, Counts, condition_of
from meetup_engine.build.runners import DiffingTestRunner
from meetup_engine.dbt_patches import late_files
from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import GenericTestNode, SingularTestNode
    from dbt.task.base import BaseRunner

    from meetup_engine.build.fingerprints import Fingerprints


@dataclass
class Remembered:
    """What dbt rendered a test to, and ran."""

    compiled: str
    statement: str

    @functools.cached_property
    def condition(self) -> Condition | None:
        """What it counts, if others can be counted with it."""
        return condition_of(self.statement, self.compiled)


# By fingerprint.
_remembered: LruCache[str, Remembered] = LruCache(2048)


class RememberingTestRunner(DiffingTestRunner):
    """
    dbt's test runner, except that it only renders a test's SQL if its fingerprint is new, and that tests of one relation are counted
    together.
    """

    fingerprint: str | None = None
    counts: Counts | None = None
    # What is counted with this test, and its own condition.
    together: Callable[[], Mapping[str, Condition]] = dict

    def compile(self, manifest: Manifest) -> Any:  # noqa: ANN401 - as dbt has it
        remembered = self._recall()
        if remembered is None:
            return super().compile(manifest)
        self.node.compiled = True
        self.node.compiled_code = remembered.compiled
        self.node.extra_ctes_injected = True
        return self.node

    def execute_data_test(self, data_test: SingularTestNode | GenericTestNode, manifest: Manifest) -> TestResultData:
        remembered = self._recall()
        if remembered is not None:
            return self._passed_together() or self._run(remembered.statement)
        result = super().execute_data_test(data_test, manifest)
        statement = late_files.files.statement_of(data_test)
        compiled = data_test.compiled_code
        if self.fingerprint is not None and statement and compiled is not None and not data_test.extra_ctes:
            _remembered.put(self.fingerprint, Remembered(compiled, statement))
        return result

    def _recall(self) -> Remembered | None:
        return None if self.fingerprint is None else _remembered.get(self.fingerprint)

    def _passed_together(self) -> TestResultData | None:
        """The result if it was counted with others and no row fails."""
        if self.counts is None or self.counts.of(self.node.unique_id, self.together, self._rows) != 0:
            return None
        response = AdapterResponse(_message="OK").to_dict(omit_none=True)
        return TestResultData(failures=0, should_warn=False, should_error=False, adapter_response=response)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        _, cursor = self.adapter.connections.add_query(statement, auto_begin=False)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _run(self, statement: str) -> TestResultData:
        response, table = self.adapter.execute(statement, fetch=True)
        names = [name.lower() for name in table.column_names]
        found = dict(zip(names, map(_coerce_decimal, table.rows[0]), strict=True))
        found["adapter_response"] = response.to_dict(omit_none=True)
        TestResultData.validate(found)
        return TestResultData.from_dict(found)


class DataTests:
    """The data tests of one build."""

    def __init__(self, manifest: Manifest, fingerprints: Fingerprints, selected: Iterable[str]) -> None:
        self._manifest = manifest
        self._fingerprints = fingerprints
        self._counts = Counts()
        self._by_model: dict[str, list[str]] = {}
        for unique_id in sorted(selected):
            model = self._only_model(unique_id)
            if model is not None:
                self._by_model.setdefault(model, []).append(unique_id)

    def remember(self, runner: BaseRunner) -> None:
        """Gives a runner its test's fingerprint, if that determines the SQL, and the tests that can be counted with it."""
        if not isinstance(runner, RememberingTestRunner) or runner.node.resource_type != NodeType.Test:
            return
        runner.fingerprint = self._fingerprint(runner.node.unique_id)
        runner.counts = self._counts
        runner.together = functools.partial(self._together, runner.node.unique_id)

    def _together(self, unique_id: str) -> dict[str, Condition]:
        own = self._condition(unique_id)
        model = self._only_model(unique_id)
        if own is None or model is None:
            return {}
        conditions = {name: self._condition(name) for name in self._by_model.get(model, ())}
        return {name: it for name, it in conditions.items() if it is not None and it.relation == own.relation}

    def _condition(self, unique_id: str) -> Condition | None:
        fingerprint = self._fingerprint(unique_id)
        remembered = _remembered.get(fingerprint) if fingerprint is not None else None
        return None if remembered is None else remembered.condition

    def _fingerprint(self, unique_id: str) -> str | None:
        node = self._manifest.nodes[unique_id]
        stores = getattr(node.config, "store_failures", None) or get_flags().STORE_FAILURES
        if stores or not self._fingerprints.renders_the_same(unique_id):
            return None
        return self._fingerprints.of(unique_id)

    def _only_model(self, unique_id: str) -> str | None:
        """The node that a test reads, if it reads no other: once that is built, nothing in the build writes to it any more."""
        node = self._manifest.nodes.get(unique_id)
        if node is None or node.resource_type != NodeType.Test:
            return None
        read = set(node.depends_on_nodes)
        return read.pop() if len(read) == 1 else None
