"""Statements of Databricks' SQL, and how they are run."""

from collections.abc import Callable, Sequence

# Runs a statement and returns its rows: `spark.sql` in Databricks, a client of the warehouse elsewhere.
RunSql = Callable[[str], Sequence[Sequence[object]]]


def quoted(*parts: str) -> str:
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def text(value: str) -> str:
    """A text as a literal, in which a backslash escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def integer(value: object) -> int:
    return int(str(value))
