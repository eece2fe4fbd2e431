"""
Puts ephemeral models and the rows of unit tests before a statement without parsing it.

dbt has sqlparse group the whole statement, which takes longer than running it. If the statement begins with WITH, or the
word is nowhere in it, its first words are all that dbt looks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from dbt.artifacts.resources.v1.components import InjectedCTE

from dbt import compilation
from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

# A statement's first word, after white space and comments of one line; and what could end its statement.
_LEADING_WITH = re.compile(r"(?:\s|--[^\n]*\n)*with\s+(?!recursive\b)", re.IGNORECASE)
_ENDS_A_STATEMENT = re.compile(r";")
_ANY_WITH = re.compile(r"\bwith\b", re.IGNORECASE)

_inject_ctes_into_sql = compilation.inject_ctes_into_sql


class Cte(Protocol):
    """As much of dbt's InjectedCTE as is read."""

    @property
    def sql(self) -> str: ...


def inject_ctes_into_sql(sql: str, ctes: Sequence[Cte]) -> str:
    """As dbt's own, up to white space."""
    found = _LEADING_WITH.match(sql)
    if not ctes or _ENDS_A_STATEMENT.search(sql) or (found is None and _ANY_WITH.search(sql)):
        return _inject_ctes_into_sql(sql, [InjectedCTE(id="", sql=cte.sql) for cte in ctes])
    joined = ", ".join(cte.sql for cte in ctes)
    if found is None:
        return f"with{joined}\n{sql}"
    # dbt puts nothing between the word and the first CTE except what was there before.
    return f"{sql[: found.end()]}{joined}, {sql[found.end() :]}"


PATCH = Patch(
    name="cte_injection",
    why="dbt parses the whole statement to find its first word",
    gain="3.02 s of CPU time become 0.84 s (149 calls)",
    replaces=(Replacement(Symbol("dbt.compilation:inject_ctes_into_sql", "1aa2645dd86b9023"), inject_ctes_into_sql),),
)
