"""
Derives the database name from a file's path in the same way as DuckDB.

dbt-duckdb parses every path as a URL, so that a `#` or `?` in a folder's name truncates the path, and dbt looks for the database
under a wrong name. DuckDB uses the file's name up to its first dot.
"""

from __future__ import annotations

import os

from dbt.adapters.duckdb.credentials import DuckDBCredentials

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_path_derived_database_name = DuckDBCredentials.path_derived_database_name


def path_derived_database_name(path: object) -> str:
    """dbt-duckdb's method, except for file paths."""
    # Only a path that begins with a slash is certainly a file path and not a URL.
    if not os.path.isabs(str(path or "")):
        return _path_derived_database_name(path)
    return os.path.basename(str(path)).lstrip(".").split(".")[0]


PATCH = Patch(
    name="database_name",
    why="dbt-duckdb truncates paths at # and ?, and looks for the database under a wrong name",
    gain="not speed: projects in folders with such names work",
    replaces=(
        Replacement(
            Symbol("dbt.adapters.duckdb.credentials:DuckDBCredentials.path_derived_database_name", "c0df98d469ea82be"),
            staticmethod(path_derived_database_name),
        ),
    ),
)
