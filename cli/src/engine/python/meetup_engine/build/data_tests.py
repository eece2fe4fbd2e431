"""Runs data tests without rendering their SQL again if it can't have changed since their last run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.artifacts.resources.types import NodeType
from dbt.flags import get_flags
from dbt.task.test import TestResultData
from dbt.utils.utils import _coerce_decimal

from meetup_engine.build.runners import DiffingTestRunner
from meetup_engine.dbt_patches import late_files
from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import GenericTestNode, SingularTestNode
    from dbt.task.base import BaseRunner

    from meetup_engine.build.fingerprints import Fingerprints

# By fingerprint: (compiled code, the statement that dbt ran).
_remembered: LruCache[str, tuple[str, str]] = LruCache(2048)


class RememberingTestRunner(DiffingTestRunner):
    """dbt's test runner, except that it only renders a test's SQL if its fingerprint is new."""

    fingerprint: str | None = None

    def compile(self, manifest: Manifest) -> Any:  # noqa: ANN401 - as dbt has it
        remembered = self._recall()
        if remembered is None:
            return super().compile(manifest)
        self.node.compiled = True
        self.node.compiled_code, _ = remembered
        self.node.extra_ctes_injected = True
        return self.node

    def execute_data_test(self, data_test: SingularTestNode | GenericTestNode, manifest: Manifest) -> TestResultData:
        remembered = self._recall()
        if remembered is not None:
            return self._run(remembered[1])
        result = super().execute_data_test(data_test, manifest)
        statement = late_files.files.statement_of(data_test)
        compiled = data_test.compiled_code
        if self.fingerprint is not None and statement and compiled is not None and not data_test.extra_ctes:
            _remembered.put(self.fingerprint, (compiled, statement))
        return result

    def _recall(self) -> tuple[str, str] | None:
        return None if self.fingerprint is None else _remembered.get(self.fingerprint)

    def _run(self, statement: str) -> TestResultData:
        response, table = self.adapter.execute(statement, fetch=True)
        names = [name.lower() for name in table.column_names]
        found = dict(zip(names, map(_coerce_decimal, table.rows[0]), strict=True))
        found["adapter_response"] = response.to_dict(omit_none=True)
        TestResultData.validate(found)
        return TestResultData.from_dict(found)


def remember(runner: BaseRunner, fingerprints: Fingerprints) -> None:
    """Gives a runner its test's fingerprint, if that determines the SQL."""
    node = runner.node
    if not isinstance(runner, RememberingTestRunner) or node.resource_type != NodeType.Test:
        return
    stores = getattr(node.config, "store_failures", None) or get_flags().STORE_FAILURES
    if not stores and fingerprints.renders_the_same(node.unique_id):
        runner.fingerprint = fingerprints.of(node.unique_id)
