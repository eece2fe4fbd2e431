r"""Fixes the macros of dbt-databricks and dbt-spark, and `DatabricksColumn.render_for_create`, which write descriptions into
comments.

They escape quotes with a backslash, but don't escape backslashes: `\'` in a description ends the comment's string literal early
and breaks the statement, and `\n` becomes a line break. In Spark's string literals, backslashes have to be doubled first.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import Protocol

_PACKAGES = ("dbt_databricks", "dbt_spark")
# A `replace` of quotes in a description whose backslashes haven't been replaced before.
_UNESCAPED = re.compile(r"""((?:description|comment)(?:["']\])?)\s*\|\s*replace\((?!["']\\\\["'],)""")
_ESCAPED = r'\1 | replace("\\\\", "\\\\\\\\") | replace('


class Macro(Protocol):
    """The part of dbt's macros that is used here."""

    package_name: str
    macro_sql: str


def escape(macros: Iterable[Macro]) -> None:
    """Changes the macros in place, except those that have already been changed."""
    found = False
    for macro in macros:
        if macro.package_name in _PACKAGES:
            found = True
            macro.macro_sql = escaped(macro.macro_sql)
    if found:
        _escape_columns()


def escaped(sql: str) -> str:
    """A macro's SQL, with backslashes in descriptions doubled before quotes are escaped."""
    return _UNESCAPED.sub(_ESCAPED, sql)


def _escape_columns() -> None:
    from dbt.adapters.databricks.column import DatabricksColumn

    original = DatabricksColumn.render_for_create
    if getattr(original, "is_ours", False):
        return

    def render_for_create(self: DatabricksColumn) -> str:
        comment = self.comment.replace("\\", "\\\\") if self.comment else self.comment
        return original(dataclasses.replace(self, comment=comment))

    render_for_create.is_ours = True  # type: ignore[attr-defined]
    DatabricksColumn.render_for_create = render_for_create  # type: ignore[method-assign]
