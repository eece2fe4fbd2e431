"""The log of statements, which measurements replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments.local import LocalEnvironment

from meetup_engine.dbt_patches import logged_statements
from meetup_engine.statement_log import WORKING, StatementLog
from meetup_engine.unit_tests import memory


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function
    """Logs the statements of dbt's connections; returns a function that reads the log."""
    path = tmp_path / "log.jsonl"
    log = StatementLog(str(path))
    for module in (logged_statements, memory):
        monkeypatch.setattr(module, "log", log)
    for replaced in logged_statements.PATCH.replaces:
        owner, name = replaced.symbol._owner()
        monkeypatch.setattr(owner, name, replaced.replacement)
    return log, lambda: [json.loads(line) for line in path.read_text().splitlines()]


def test_every_statement_is_logged_with_its_node_and_database(entries: Any) -> None:  # noqa: ANN401
    log, read = entries
    credentials = DuckDBCredentials(path=":memory:", database="memory", schema="main")
    file, in_memory = LocalEnvironment(credentials), memory.MemoryDatabase(credentials)
    with log.running("model.project.m"):
        file.handle().cursor().execute("select 1")
    file.handle().cursor().execute("select ?", [2])
    in_memory.cursor().execute("select 3")
    told = [(entry["node"], entry["database"], entry["sql"]) for entry in read()]
    assert told[-3:] == [
        ("model.project.m", WORKING, "select 1"),
        (None, WORKING, "select ?"),
        (None, told[-1][1], "select 3"),
    ]
    assert told[-1][1] != WORKING
    file.close()
    in_memory.close()


def test_a_statement_that_fails_is_logged_too(entries: Any) -> None:  # noqa: ANN401
    _, read = entries
    file = LocalEnvironment(DuckDBCredentials(path=":memory:", database="memory", schema="main"))
    with pytest.raises(Exception, match="nothing"):
        file.handle().cursor().execute("select * from nothing")
    assert [(entry["failed"], entry["sql"]) for entry in read()] == [(True, "select * from nothing")]
    file.close()
