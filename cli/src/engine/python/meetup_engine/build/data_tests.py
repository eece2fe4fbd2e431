"""Data tests whose SQL can't have changed since they ran last, without rendering it again."""

from dbt.flags import get_flags
from dbt.node_types import NodeType
from dbt.task.test import TestResultData, _coerce_decimal

from meetup_engine.build.runners import DiffingTestRunner
from meetup_engine.dbt_patches import late_files, speed

# By fingerprint: (compiled code, the statement that dbt ran).
_remembered = speed.Memory(2048)


class RememberingTestRunner(DiffingTestRunner):
    """dbt's runner of tests, which renders a test's SQL only when its fingerprint is new. Its verdicts are dbt's own."""

    fingerprint = None

    def compile(self, manifest):
        remembered = self._recall()
        if remembered is None:
            return super().compile(manifest)
        self.node.compiled = True
        self.node.compiled_code, _ = remembered
        self.node.extra_ctes_injected = True
        return self.node

    def execute_data_test(self, data_test, manifest):
        remembered = self._recall()
        if remembered is not None:
            return self._run(remembered[1])
        result = super().execute_data_test(data_test, manifest)
        statement = late_files.files.statement_of(data_test)
        if self.fingerprint is not None and statement and not data_test.extra_ctes:
            _remembered.put(self.fingerprint, (data_test.compiled_code, statement))
        return result

    def _recall(self):
        return None if self.fingerprint is None else _remembered.get(self.fingerprint)

    def _run(self, statement):
        response, table = self.adapter.execute(statement, fetch=True)
        names = [name.lower() for name in table.column_names]
        found = dict(zip(names, map(_coerce_decimal, table.rows[0])))
        found["adapter_response"] = response.to_dict(omit_none=True)
        TestResultData.validate(found)
        return TestResultData.from_dict(found)


def remember(runner, fingerprints):
    """Lets a runner know the fingerprint that its SQL follows from, where it does."""
    node = runner.node
    if not isinstance(runner, RememberingTestRunner) or node.resource_type != NodeType.Test:
        return
    stores = getattr(node.config, "store_failures", None) or get_flags().STORE_FAILURES
    if not stores and fingerprints.renders_the_same(node.unique_id):
        runner.fingerprint = fingerprints.of(node.unique_id)
