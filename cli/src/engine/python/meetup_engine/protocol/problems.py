"""Errors of the project (YAML, Jinja, SQL, configuration) as data: file, line and one message."""

import difflib
import os
import re

from dbt_common.exceptions import DbtBaseException

from meetup_engine.dbt_patches.readable_files import UnreadableFile

LINE = re.compile(r"\bline (\d+)")
DUCKDB_LINE = re.compile(r"^\s*LINE (\d+):(.*)$", re.MULTILINE)
FILE_IN_TEXT = re.compile(r"(?P<path>[\w./\\@+ -]*[\w-]\.(?:sql|yml|yaml|md|csv|py|toml))\b")
YAML_RAW = re.compile(r"Raw Error:\s*-+\s*(?P<raw>.+)", re.DOTALL)
HEADER = re.compile(r"^(?:Runtime|Compilation|Parsing|Database|Validation|Dependency|Internal) Error\b[^\n]*\n")
EXCERPT_LINES = 3


def is_project_problem(error):
    """Whether the error is the project's (then it is a result), and not the engine's own."""
    return isinstance(error, DbtBaseException) or str(error).startswith("Found a cycle")


def problem_of(error, project_dir, known_files=()):
    """Describes what dbt raised while it read or parsed the project."""
    message = text_of(error)
    if isinstance(error, UnreadableFile):
        return _unreadable(error, project_dir)
    file = _file_of(error, message, known_files)
    line = _line_in(message)
    return {
        "kind": _kind_of(error, message),
        "file": file,
        "line": line,
        "message": _plain(message),
        "excerpt": excerpt_of_file(os.path.join(project_dir, file), line) if file and line else None,
    }


def _unreadable(error, project_dir):
    file = os.path.relpath(error.path, project_dir)
    kind = "config" if file.endswith(("dbt_project.yml", "profiles.yml")) else "parse"
    return {"kind": kind, "file": file, "line": None, "message": error.about(file), "excerpt": None}


def node_problem(node, message, project_dir, statement=None):
    """Describes why a node failed: the line of its own file, what was compiled around it, and what the database said."""
    message = _without_header(message or "")
    at = DUCKDB_LINE.search(message)
    compiled = getattr(node, "compiled_code", None)
    raw = getattr(node, "raw_code", None) or ""
    compiled_line = None
    if at and compiled:
        compiled_line = _compiled_line(int(at.group(1)), at.group(2), compiled, statement)
    line = _source_line(raw, compiled, compiled_line) if compiled_line else _line_in(message)
    path = getattr(node, "original_file_path", None)
    if path and line and not path.endswith((".sql", ".py")):
        line = None
    return {
        "kind": "database" if compiled and at else "node",
        "file": path,
        "line": line,
        "message": _plain(DUCKDB_LINE.split(message)[0] if at else message),
        "excerpt": excerpt(compiled, compiled_line) if compiled_line else None,
        "compiledPath": getattr(node, "compiled_path", None),
    }


def text_of(error):
    """The message of an exception, without dbt's own heading where it has one."""
    message = getattr(error, "msg", None)
    return message if isinstance(message, str) and message else str(error)


def excerpt(text, line):
    """The lines around a line, which is marked."""
    lines = text.split("\n")
    first = max(0, line - EXCERPT_LINES)
    shown = lines[first : line + EXCERPT_LINES - 1]
    return "\n".join(
        f"{'>' if first + index + 1 == line else ' '} {first + index + 1:>4} | {content}"
        for index, content in enumerate(shown)
    )


def excerpt_of_file(path, line):
    """The same of a file, or nothing where it can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return excerpt(file.read(), line)
    except (OSError, UnicodeDecodeError):
        return None


def _kind_of(error, message):
    name = type(error).__name__
    if YAML_RAW.search(message) or "yaml" in name.lower():
        return "yaml"
    if "Profile" in name or "Project" in name:
        return "config"
    return "jinja" if "Compilation" in name or "Macro" in name else "parse"


def _file_of(error, message, known_files):
    node = getattr(error, "node", None)
    for attribute in ("original_file_path", "path"):
        value = getattr(node, attribute, None)
        value = getattr(value, "original_file_path", value)
        if isinstance(value, str) and value:
            return value
    for found in FILE_IN_TEXT.finditer(message):
        path = found.group("path").strip()
        exact = [known for known in known_files if known == path]
        close = exact or [known for known in known_files if known.endswith("/" + path)]
        if close:
            return close[0]
        if path.endswith(("dbt_project.yml", "profiles.yml")):
            return path
    return None


def _line_in(message):
    found = LINE.search(message)
    return int(found.group(1)) if found else None


def _without_header(message):
    return HEADER.sub("", message, count=1)


def _plain(message):
    raw = YAML_RAW.search(message)
    text = raw.group("raw") if raw else _without_header(message)
    lines = [line.rstrip() for line in text.strip().split("\n")]
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0], *(line[indent:] for line in lines[1:])]).strip()


def _compiled_line(statement_line, shown, compiled, statement):
    """
    The line of the compiled code that DuckDB's line of the whole statement is: the one that DuckDB shows, and where it
    occurs more than once, the one nearest to where the compiled code stands in the statement.
    """
    shown = shown.strip().strip(".")
    matching = [number for number, line in enumerate(compiled.split("\n"), 1) if shown and shown in line]
    start = (statement or "").find(compiled.strip())
    if not matching or start < 0:
        return matching[0] if matching else None
    lead = compiled[: len(compiled) - len(compiled.lstrip())].count("\n")
    expected = statement_line - statement[:start].count("\n") + lead
    return min(matching, key=lambda line: abs(line - expected))


def _source_line(raw, compiled, compiled_line):
    """The line of the model's own file that a line of its compiled code came from; the nearest one before it."""
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
