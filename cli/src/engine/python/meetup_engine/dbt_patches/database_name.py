"""
Names the database of a file as DuckDB does.

dbt-duckdb reads every path as a URL, so that a folder with `#` or `?` in its name cuts the path short, and the database is
looked for under a name that DuckDB never gives it. DuckDB itself takes a file's name up to its first dot.
"""

from __future__ import annotations

import os

from dbt.adapters.duckdb.credentials import DuckDBCredentials

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_path_derived_database_name = DuckDBCredentials.path_derived_database_name


def path_derived_database_name(path: object) -> str:
    """As dbt-duckdb's own, except for the paths of files."""
    # Only a path that begins with a slash is certainly a file's and not a URL.
    if not os.path.isabs(str(path or "")):
        return _path_derived_database_name(path)
    return os.path.basename(str(path)).lstrip(".").split(".")[0]


PATCH = Patch(
    name="database_name",
    why="dbt-duckdb cuts a path at # and ?, and looks for the database under a name that it does not have",
    gain="not speed: projects in folders with such names work",
    replaces=(
        Replacement(
            Symbol("dbt.adapters.duckdb.credentials:DuckDBCredentials.path_derived_database_name", "c0df98d469ea82be"),
            staticmethod(path_derived_database_name),
        ),
    ),
)
