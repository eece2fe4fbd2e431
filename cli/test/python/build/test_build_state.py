"""The build state in its file and in memory."""

from __future__ import annotations

import json
from pathlib import Path

from meetup_engine.build.build_state import BuildState, Record


def written(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "build-state.dev.json").read_text())
    return document


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    state = BuildState(str(tmp_path), "dev")
    state.records["model.a"] = Record("definition", inputs={"source.x": "hash", "source.y": None}, relation=("s", "a"))
    state.write()
    again = BuildState(str(tmp_path), "dev")
    assert {name: record.text() for name, record in again.records.items()} == {
        "model.a": state.records["model.a"].text()
    }
    document = written(tmp_path)
    assert list(document) == ["version", "target", "nodes"]
    assert document["nodes"] == {"model.a": json.loads(state.records["model.a"].text())}
    assert json.loads(state.records["model.a"].text())["inputs"] == {"source.x": "hash", "source.y": None}


def test_a_file_that_somebody_else_wrote_is_read(tmp_path: Path) -> None:
    state = BuildState(str(tmp_path), "dev")
    state.records["model.a"] = Record("old")
    state.write()
    document = written(tmp_path)
    (tmp_path / "build-state.dev.json").write_text(json.dumps(document).replace("old", "new"))
    assert BuildState(str(tmp_path), "dev").records["model.a"].definition == "new"


def test_a_change_that_was_not_written_is_lost(tmp_path: Path) -> None:
    state = BuildState(str(tmp_path), "dev")
    state.records["model.a"] = Record("written")
    state.write()
    state.records["model.a"].definition = "not written"
    state.records["model.b"] = Record("not written")
    again = BuildState(str(tmp_path), "dev")
    assert [(name, record.definition) for name, record in again.records.items()] == [("model.a", "written")]


def test_records_that_are_left_out_are_not_read(tmp_path: Path) -> None:
    state = BuildState(str(tmp_path), "dev")
    state.records = {"model.a": Record("a"), "model.b": Record("b")}
    state.write()
    state.write(without=["model.b"])
    assert list(BuildState(str(tmp_path), "dev").records) == ["model.a"]
    state.write()
    assert list(BuildState(str(tmp_path), "dev").records) == ["model.a", "model.b"]
