"""
Inserts the CTEs of ephemeral models and unit tests' rows into a statement without parsing it.

dbt lets sqlparse group the whole statement, which takes longer than running it. If the statement begins with WITH, or the word
doesn't occur in it, all that dbt needs are its first words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from dbt.artifacts.resources.v1.components import InjectedCTE

from dbt import compilation
from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

# A statement's first word, after white space and line comments; and what could end its statement.
_LEADING_WITH = re.compile(r"(?:\s|--[^\n]*\n)*with\s+(?!recursive\b)", re.IGNORECASE)
_ENDS_A_STATEMENT = re.compile(r";")
_ANY_WITH = re.compile(r"\bwith\b", re.IGNORECASE)
# Everything that sqlparse and DuckDB might read differently: block comments, dollar quotes, escapes, brackets.
_HIDES = re.compile(r"/\*|\*/|[$\\`\[\]{}#]")
_EDGE = re.compile(r"""'[^'\n]*'|"[^"\n]*"|['"]|--[^\n]*|[()]|\bwith\b""", re.IGNORECASE)

_inject_ctes_into_sql = compilation.inject_ctes_into_sql


class Cte(Protocol):
    """The part of dbt's InjectedCTE that is used here."""

    @property
    def sql(self) -> str: ...


def inject_ctes_into_sql(sql: str, ctes: Sequence[Cte]) -> str:
    """Returns the same as dbt's function, apart from white space."""
    found = _LEADING_WITH.match(sql)
    if not ctes or _ENDS_A_STATEMENT.search(sql) or (found is None and not _has_no_with_of_its_own(sql)):
        return _inject_ctes_into_sql(sql, [InjectedCTE(id="", sql=cte.sql) for cte in ctes])
    joined = ", ".join(cte.sql for cte in ctes)
    if found is None:
        return f"with{joined}\n{sql}"
    # dbt adds no white space between WITH and the first CTE.
    return f"{sql[: found.end()]}{joined}, {sql[found.end() :]}"


def _has_no_with_of_its_own(sql: str) -> bool:
    """Whether each WITH is inside parentheses. No if strings, names or comments could hide where they begin and end."""
    if not _ANY_WITH.search(sql):
        return True
    if _HIDES.search(sql):
        return False
    depth = 0
    for found in _EDGE.finditer(sql):
        edge = found.group().lower()
        if edge == "(":
            depth += 1
        elif edge == ")":
            depth -= 1
        if edge in ("'", '"') or depth < 0 or (depth == 0 and edge == "with"):
            return False
    return depth == 0


PATCH = Patch(
    name="cte_injection",
    why="dbt parses the whole statement only to find its first word",
    gain="3.02 s of CPU time become 0.84 s (149 calls)",
    replaces=(Replacement(Symbol("dbt.compilation:inject_ctes_into_sql", "1aa2645dd86b9023"), inject_ctes_into_sql),),
)
