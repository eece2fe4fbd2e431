from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from dbt.exceptions import DbtProjectError, ParsingError
from dbt_common.exceptions import CompilationError, DbtRuntimeError

from meetup_engine.protocol import problems


@dataclass
class Node:
    original_file_path: str = "models/total.sql"
    raw_code: str = ""
    compiled_code: str | None = None
    compiled_path: str | None = None


def test_the_excerpt_marks_the_line_and_shows_its_neighbours() -> None:
    text = "\n".join(f"line {number}" for number in range(1, 9))
    assert problems.excerpt(text, 5).split("\n") == [
        "     3 | line 3",
        "     4 | line 4",
        ">    5 | line 5",
        "     6 | line 6",
        "     7 | line 7",
    ]


def test_the_excerpt_ends_where_the_text_does() -> None:
    assert problems.excerpt("a\nb", 1).split("\n") == [">    1 | a", "     2 | b"]


def test_a_file_that_cannot_be_read_has_no_excerpt(tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"caf\xe9")
    assert problems.excerpt_of_file(str(tmp_path / "missing.sql"), 1) is None
    assert problems.excerpt_of_file(str(tmp_path / "latin.sql"), 1) is None


def test_a_jinja_error_has_its_file_line_and_excerpt(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/total.sql").write_text("select 1\n{{ oh dear }}")
    error = CompilationError("expected token 'end of print statement', got 'dear'\n  line 2\n    {{ oh dear }}", Node())
    problem = problems.problem_of(error, str(tmp_path))
    assert (problem["kind"], problem["file"], problem["line"]) == ("jinja", "models/total.sql", 2)
    assert problem["excerpt"] == "     1 | select 1\n>    2 | {{ oh dear }}"


def test_a_file_that_is_only_named_in_the_message_is_found_among_the_known_files(tmp_path: Path) -> None:
    error = ParsingError("Error reading meetup: models.yml - Runtime Error\n  Syntax error near line 3")
    problem = problems.problem_of(error, str(tmp_path), ["models/core.yml", "models/marts/models.yml"])
    assert (problem["kind"], problem["file"], problem["line"]) == ("parse", "models/marts/models.yml", 3)


def test_a_file_with_the_exact_name_in_the_message_is_preferred(tmp_path: Path) -> None:
    error = ParsingError("Syntax error in models.yml")
    assert problems.problem_of(error, str(tmp_path), ["a/models.yml", "models.yml"])["file"] == "models.yml"


def test_a_yaml_error_has_the_message_of_the_yaml_parser(tmp_path: Path) -> None:
    error = ParsingError(
        "Error reading meetup: models.yml\n  Raw Error:\n  ------------------------------\n  mapping values are not allowed here"
    )
    problem = problems.problem_of(error, str(tmp_path))
    assert (problem["kind"], problem["message"]) == ("yaml", "mapping values are not allowed here")


def test_a_configuration_error_has_its_own_kind(tmp_path: Path) -> None:
    assert problems.problem_of(DbtProjectError("no name in dbt_project.yml"), str(tmp_path))["kind"] == "config"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DbtRuntimeError("anything"), True),
        (RuntimeError("Found a cycle: a --> b"), True),
        (RuntimeError("dictionary changed size during iteration"), False),
    ],
)
def test_errors_in_the_project_are_distinguished_from_errors_in_the_engine(error: Exception, expected: bool) -> None:
    assert problems.is_project_problem(error) is expected


COMPILED = 'select\n  id,\n  amont\nfrom "db"."main"."numbers"'


def duckdb_error(line: int, shown: str) -> str:
    return f"Runtime Error in model total (models/total.sql)\n  Binder Error: no such column\n\nLINE {line}: {shown}\n          ^"


def test_a_database_error_has_the_line_in_the_models_own_file() -> None:
    node = Node(raw_code="select\n  id,\n  amont\nfrom {{ ref('numbers') }}", compiled_code=COMPILED)
    problem = problems.node_problem(node, duckdb_error(3, "  amont"), "/project")
    assert (problem["kind"], problem["file"], problem["line"]) == ("database", "models/total.sql", 3)
    assert problem["message"] == "Binder Error: no such column"
    assert problem["excerpt"] is not None
    assert ">    3 |   amont" in problem["excerpt"]


def test_the_line_is_found_if_jinja_precedes_it() -> None:
    raw = "{% set factor = 2 %}\n{% set other = 3 %}\n" + COMPILED
    problem = problems.node_problem(
        Node(raw_code=raw, compiled_code="\n\n" + COMPILED), duckdb_error(7, "amont"), "/project"
    )
    assert problem["line"] == 5


def test_of_equal_lines_the_one_nearest_to_the_databases_line_is_used() -> None:
    compiled = "select oops\nunion all\nselect oops"
    statement = "create table t as (\n" + compiled + "\n)"
    node = Node(raw_code=compiled, compiled_code=compiled)
    assert problems.node_problem(node, duckdb_error(2, "select oops"), "/p", statement)["line"] == 1
    assert problems.node_problem(node, duckdb_error(4, "select oops"), "/p", statement)["line"] == 3


def test_an_error_in_a_seed_has_no_line() -> None:
    problem = problems.node_problem(Node(original_file_path="seeds/s.csv"), "bad value on line 3", "/project")
    assert (problem["kind"], problem["file"], problem["line"]) == ("node", "seeds/s.csv", None)
