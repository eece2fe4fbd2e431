"""Whether a statement returns the same rows for the same tables. It doesn't if it uses the clock, random numbers or files."""

from __future__ import annotations

import re
from functools import lru_cache

import duckdb

from meetup_engine.build.compiled import tokens_of

_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
# Functions that depend only on the session, which is the same in every build.
_CONSTANT = frozenset({"current_schema", "current_schemas", "current_database", "in_search_path", "error", "stats"})
# Table functions that depend only on their arguments.
_PURE_TABLE_FUNCTIONS = frozenset(
    {"generate_series", "icu_calendar_names", "json_each", "json_tree", "range", "repeat", "repeat_row", "summary",
     "test_all_types", "test_vector_types", "unnest"}
)  # fmt: skip
# Functions of extensions that aren't loaded yet, and others that aren't in DuckDB's list of functions.
_MORE_CLOCKS = r"getenv|getvariable|current_localtime\w*|age"
_MORE_TABLES = r"read_\w+|\w+_scan|st_read\w*|(?:postgres|mysql|sqlite|mssql)_query"
_KEYWORDS = r"current_date|current_time|current_timestamp|localtime|localtimestamp|tablesample|using\s+sample"
_CATALOGS = r"information_schema|pg_catalog|sqlite_master|duckdb_(?:columns|databases|indexes|schemas|tables|views)"
_FILE = r"\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|xlsx|arrow|duckdb|db)(?:\.\w+)?"


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """
    Patterns for calls that use the clock or random numbers, and for calls that read anything but the named tables. The names come
    from DuckDB's catalog, so that functions of new versions are covered.
    """
    with duckdb.connect() as connection:
        found = connection.execute(
            "select distinct function_name, function_type = 'table' from duckdb_functions() "
            "where function_type = 'table' or stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
    clocks = "|".join(sorted({re.escape(name) for name, table in found if not table} - _CONSTANT))
    tables = "|".join(sorted({re.escape(name) for name, table in found if table} - _PURE_TABLE_FUNCTIONS))
    clock = rf"{_call_of(f'{clocks}|{_MORE_CLOCKS}')}|(?<![\w.$])(?:{_KEYWORDS})\b"
    elsewhere = (
        rf"{_call_of(f'{tables}|{_MORE_TABLES}')}|(?<![\w.$])(?:{_CATALOGS})\b|(?<!distinct\s)\b(?:from|join)\s+'"
        rf"|(?:(?<!distinct\s)\b(?:from|join)|,)\s*(?:'[^'\n]*{_FILE}'|\"[^\"\n]*{_FILE}\")"
    )
    return re.compile(clock, re.IGNORECASE), re.compile(elsewhere, re.IGNORECASE)


def _call_of(names: str) -> str:
    """Matches a call, but not `datetime.now()`, which is Python: calls in templates are checked by `closures.py`."""
    return rf"(?:(?<![\w.$])|\b(?:main|system|pg_catalog)\s*\.\s*\"?)(?:{names})\"?\s*\("


@lru_cache(maxsize=16384)
def is_repeatable(sql: str) -> bool:
    """Whether a statement or its template reads nothing but the named tables."""
    return not _found(_patterns()[0], sql) and not reads_files(sql)


@lru_cache(maxsize=16384)
def reads_files(sql: str) -> bool:
    """Whether a statement reads files, the catalog or anything else that may change its columns."""
    return _found(_patterns()[1], sql)


def _found(pattern: re.Pattern[str], sql: str) -> bool:
    """Searches a statement without its comments."""
    if "/*" in sql or "--" in sql:
        return _matches(pattern, _without_comments(sql))
    return pattern.search(sql) is not None and _matches(pattern, _without_comments(sql))


@lru_cache(maxsize=1024)
def _without_comments(sql: str) -> str:
    return "".join(tokens_of(_JINJA_COMMENT.sub(" ", sql)))


# Cached by the text without comments, so that a save of a comment finds the result of the save before.
@lru_cache(maxsize=4096)
def _matches(pattern: re.Pattern[str], sql: str) -> bool:
    return pattern.search(sql) is not None
