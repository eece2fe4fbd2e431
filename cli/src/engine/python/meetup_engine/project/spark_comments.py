r"""
Changes the macros of dbt-databricks and dbt-spark, and `DatabricksColumn.render_for_create`, that write descriptions into comments.

They put a backslash before each quote, but leave backslashes as they are: `\'` in a description ends the text of the comment early,
and breaks the statement; `\n` becomes a line break. In Spark's texts a backslash has to be doubled first.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import Protocol

_PACKAGES = ("dbt_databricks", "dbt_spark")
# A description on its way through `replace`, which does not begin with its backslashes.
_UNESCAPED = re.compile(r"""((?:description|comment)(?:["']\])?)\s*\|\s*replace\((?!["']\\\\["'],)""")
_ESCAPED = r'\1 | replace("\\\\", "\\\\\\\\") | replace('


class Macro(Protocol):
    """What is looked at of dbt's macros."""

    package_name: str
    macro_sql: str


def escape(macros: Iterable[Macro]) -> None:
    """Changes the macros in their place; those that are changed already stay as they are."""
    found = False
    for macro in macros:
        if macro.package_name in _PACKAGES:
            found = True
            macro.macro_sql = escaped(macro.macro_sql)
    if found:
        _escape_columns()


def escaped(sql: str) -> str:
    """A macro with the backslashes of descriptions doubled before their quotes are escaped."""
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
