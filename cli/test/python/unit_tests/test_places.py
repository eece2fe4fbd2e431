from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meetup_engine.unit_tests.places import place_of

YAML = """\
unit_tests:
  - name: first
    model: total
    given: []
    expect:
      rows:
        - {id: 1}

        - {id: 2}
  - name: sql
    model: total
    expect: {format: sql, rows: "select 1"}
"""


def place(folder: Path, name: str, model: str = "total") -> tuple[int | None, list[int]]:
    test: Any = SimpleNamespace(original_file_path="tests.yml", model=model, name=name)
    return place_of(test, str(folder))


def test_a_unit_test_and_its_rows_have_their_lines_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "tests.yml").write_text(YAML)
    assert place(tmp_path, "first") == (2, [7, 9])


def test_expected_rows_in_sql_have_no_lines(tmp_path: Path) -> None:
    (tmp_path / "tests.yml").write_text(YAML)
    assert place(tmp_path, "sql") == (10, [])


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "tests.yml").write_text(YAML)
    assert place(tmp_path, "first") == (2, [7, 9])
    (tmp_path / "tests.yml").write_text("\n" + YAML)
    os.utime(tmp_path / "tests.yml", ns=(1, 1))
    assert place(tmp_path, "first") == (3, [8, 10])


@pytest.mark.parametrize(
    "text", ["", "unit_tests: [", "unit_tests: 7", "- a list", "unit_tests: [{name: first}]", None]
)
def test_a_missing_or_invalid_file_has_no_lines(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "tests.yml").write_text(text)
    assert place(tmp_path, "first") == (None, [])


def test_a_unit_test_with_the_same_name_for_another_model_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "tests.yml").write_text(YAML)
    assert place(tmp_path, "first", "other") == (None, [])
