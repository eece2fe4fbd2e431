"""
Replaces `DuckDBCredentials.path_derived_database_name` of dbt-duckdb for paths of files.

dbt-duckdb reads every path as a URL, so that a folder with `#` or `?` in its name cuts the path short, and the database is
looked for under a name that DuckDB never gives it. DuckDB itself takes a file's name up to its first dot.
"""

import os

from dbt.adapters.duckdb.credentials import DuckDBCredentials


def install():
    original = DuckDBCredentials.path_derived_database_name
    if getattr(original, "is_ours", False):
        return

    def derived(path):
        # Only a path that begins with a slash is certainly a file's and not a URL.
        if not os.path.isabs(str(path or "")):
            return original(path)
        return os.path.basename(str(path)).lstrip(".").split(".")[0]

    derived.is_ours = True
    DuckDBCredentials.path_derived_database_name = staticmethod(derived)
