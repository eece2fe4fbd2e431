"""Converts errors in the project (YAML, Jinja, SQL, configuration) to data: file, line and one message."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import yaml
from dbt_common.exceptions import DbtBaseException

from meetup_engine.dbt_patches.readable_files import UnreadableFile
from meetup_engine.project.environment import RefusedFlags
from meetup_engine.protocol.messages import Problem

LINE = re.compile(r"\bline (\d+)")
DUCKDB_LINE = re.compile(r"^\s*LINE (\d+):(.*)$", re.MULTILINE)
FILE_IN_TEXT = re.compile(r"(?P<path>[\w./\\@+ -]*[\w-]\.(?:sql|yml|yaml|md|csv|py|toml))\b")
YAML_RAW = re.compile(r"Raw Error:\s*-+\s*(?P<raw>.+)", re.DOTALL)
HEADER = re.compile(r"^(?:Runtime|Compilation|Parsing|Database|Validation|Dependency|Internal) Error\b[^\n]*\n")
EXCERPT_LINES = 3
PROJECT_FILE = "dbt_project.yml"


class FailedNode(Protocol):
    """The part of a failed node that is used here. A seed has no compiled code, and a unit test has no compiled file."""

    @property
    def original_file_path(self) -> str: ...


def is_project_problem(error: BaseException) -> bool:
    """Whether an error is caused by the project, and so a result, rather than a failure of the engine."""
    return isinstance(error, DbtBaseException) or str(error).startswith("Found a cycle")


def problem_of(error: BaseException, project_dir: str, known_files: Sequence[str] = ()) -> Problem:
    """Describes an error that dbt raised while parsing the project."""
    message = text_of(error)
    if isinstance(error, UnreadableFile):
        return _unreadable(error, project_dir)
    file = _file_of(error, message, known_files)
    line = _line_in(message)
    kind = _kind_of(error, message)
    if kind == "yaml" and file is None:
        file = _broken_yaml(project_dir)
        kind = "config" if file == PROJECT_FILE else kind
    elif kind == "config" and file is None and "Project" in type(error).__name__:
        file = PROJECT_FILE
        line = _line_of_key(os.path.join(project_dir, file), message)
    return {
        "kind": kind,
        "file": file,
        "line": line,
        "message": _plain(message),
        "excerpt": excerpt_of_file(os.path.join(project_dir, file), line) if file and line else None,
    }


def _broken_yaml(project_dir: str) -> str | None:
    """The file that is not YAML, which dbt leaves out of some of its messages. Those of packages come last."""
    names = [PROJECT_FILE]
    for folder, folders, files in os.walk(project_dir):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in ("target", "logs"))
        inside = os.path.relpath(folder, project_dir)
        names += [os.path.normpath(os.path.join(inside, name)) for name in files if name.endswith((".yml", ".yaml"))]
    for name in sorted(dict.fromkeys(names), key=lambda name: (name != PROJECT_FILE, "dbt_packages" in name, name)):
        try:
            with open(os.path.join(project_dir, name), encoding="utf-8") as file:
                yaml.compose(file, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            return name
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _line_of_key(path: str, message: str) -> int | None:
    """The line of the top-level key that a message is about: `at path ['version']: …`."""
    key = re.search(r"at path \['([^']+)'", message)
    if key is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"{key.group(1)}:")), None)


def _unreadable(error: UnreadableFile, project_dir: str) -> Problem:
    file = os.path.relpath(error.path, project_dir)
    kind: Literal["config", "parse"] = "config" if file.endswith(("dbt_project.yml", "profiles.yml")) else "parse"
    return {"kind": kind, "file": file, "line": None, "message": error.about(file), "excerpt": None}


def node_problem(node: FailedNode, message: str | None, project_dir: str, statement: str | None = None) -> Problem:
    """Describes why a node failed: the line in its file, the compiled code around it, and the database's message."""
    message = _without_header(message or "")
    at = DUCKDB_LINE.search(message)
    compiled: str | None = getattr(node, "compiled_code", None)
    raw: str = getattr(node, "raw_code", None) or ""
    compiled_line = None
    if at and compiled:
        compiled_line = _compiled_line(int(at.group(1)), at.group(2), compiled, statement)
    line = _source_line(raw, compiled or "", compiled_line) if compiled_line else _line_in(message)
    path = node.original_file_path
    if path and line and not path.endswith((".sql", ".py")):
        line = None
    return {
        "kind": "database" if compiled and at else "node",
        "file": path,
        "line": line,
        "message": _plain(DUCKDB_LINE.split(message)[0] if at else message),
        "excerpt": excerpt(compiled or "", compiled_line) if compiled_line else None,
        "compiledPath": getattr(node, "compiled_path", None),
    }


def text_of(error: BaseException) -> str:
    """The message of an exception, without dbt's heading if there is one."""
    message = getattr(error, "msg", None)
    return message if isinstance(message, str) and message else str(error)


def excerpt(text: str, line: int) -> str:
    """The surrounding lines, with the line itself marked."""
    lines = text.split("\n")
    first = max(0, line - EXCERPT_LINES)
    shown = lines[first : line + EXCERPT_LINES - 1]
    return "\n".join(
        f"{'>' if first + index + 1 == line else ' '} {first + index + 1:>4} | {content}"
        for index, content in enumerate(shown)
    )


def excerpt_of_file(path: str, line: int) -> str | None:
    """The excerpt from a file; None if it can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return excerpt(file.read(), line)
    except (OSError, UnicodeDecodeError):
        return None


def _kind_of(error: BaseException, message: str) -> Literal["yaml", "jinja", "config", "environment", "parse"]:
    name = type(error).__name__
    if isinstance(error, RefusedFlags):
        return "environment"
    if YAML_RAW.search(message) or "yaml" in name.lower():
        return "yaml"
    if "Profile" in name or "Project" in name:
        return "config"
    return "jinja" if "Compilation" in name or "Macro" in name else "parse"


def _file_of(error: BaseException, message: str, known_files: Sequence[str]) -> str | None:
    node = getattr(error, "node", None)
    for attribute in ("original_file_path", "path"):
        value = getattr(node, attribute, None)
        value = getattr(value, "original_file_path", value)
        if isinstance(value, str) and value:
            return value
    for found in FILE_IN_TEXT.finditer(message):
        for path in _paths_in(found.group("path").strip()):
            exact = [known for known in known_files if known == path]
            close = exact or [known for known in known_files if known.endswith("/" + path)]
            if close:
                return close[0]
            if re.split(r"[/\\]", path)[-1] in ("dbt_project.yml", "profiles.yml"):
                return path
    return None


def _paths_in(text: str) -> Iterator[str]:
    """Possible paths in a message, longest first: a path may contain spaces, or be preceded by other words."""
    words = text.split(" ")
    for start in range(len(words)):
        yield " ".join(words[start:])


def _line_in(message: str) -> int | None:
    found = LINE.search(message)
    return int(found.group(1)) if found else None


def _without_header(message: str) -> str:
    return HEADER.sub("", message, count=1)


def _plain(message: str) -> str:
    raw = YAML_RAW.search(message)
    text = raw.group("raw") if raw else _without_header(message)
    lines = [line.rstrip() for line in text.strip().split("\n")]
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0], *(line[indent:] for line in lines[1:])]).strip()


def _compiled_line(statement_line: int, shown: str, compiled: str, statement: str | None) -> int | None:
    """
    Maps a line of the whole statement, as reported by DuckDB, to a line of the compiled code: the line that DuckDB quotes or, if
    that occurs more than once, the nearest occurrence, given where the compiled code starts in the statement.
    """
    shown = shown.strip().strip(".")
    matching = [number for number, line in enumerate(compiled.split("\n"), 1) if shown and shown in line]
    start = -1 if statement is None else statement.find(compiled.strip())
    if statement is None or not matching or start < 0:
        return matching[0] if matching else None
    lead = compiled[: len(compiled) - len(compiled.lstrip())].count("\n")
    expected = statement_line - statement[:start].count("\n") + lead
    return min(matching, key=lambda line: abs(line - expected))


def _source_line(raw: str, compiled: str, compiled_line: int) -> int:
    """The line of the model's file that a line of its compiled code comes from, or the nearest one before it."""
    before, after = raw.split("\n"), compiled.split("\n")
    nearest = 1
    for tag, raw_start, raw_end, start, end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if start < compiled_line <= end:
            if tag == "equal" or raw_end - raw_start == end - start:
                return raw_start + compiled_line - start
            return min(raw_start + 1, len(before))
        if end < compiled_line:
            nearest = raw_end
    return nearest
