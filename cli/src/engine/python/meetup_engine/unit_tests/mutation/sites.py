"""A model's mutants: each step at each place, identified by what it does rather than by a number."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import sqlglot
from sqlglot import exp

from meetup_engine.unit_tests.mutation.operators import steps

DIALECT = "duckdb"

Node = TypeVar("Node", bound=exp.Expr)


@dataclass(frozen=True)
class Key:
    """
    Identifies a mutant across two renderings of a model (a first run and a daily one): the CTE, the SQL before and after, and
    its number among equal ones.
    """

    step: str
    part: str
    before: str
    after: str
    repeat: int


class Body:
    """One rendering of a model, parsed, and its mutants by key."""

    def __init__(self, text: str) -> None:
        self._tree = exp.Subquery(this=sqlglot.parse_one(text, dialect=DIALECT))
        self.text = self._sql()
        self.mutants: dict[Key, tuple[exp.Expr, exp.Expr | None]] = {}
        seen: dict[tuple[str, str, str, str], int] = {}
        for node in list(self._tree.this.walk()):
            for step, old, new in steps(node):
                before, after = sql_of(old), "" if new is None else sql_of(new)
                if before == after:
                    continue
                part = part_of(old)
                same = (step, part, before, after)
                seen[same] = seen.get(same, 0) + 1
                self.mutants[Key(*same, seen[same])] = (old, new)

    def named_as(self, other: Body) -> None:
        """
        Gives the mutants the keys of another rendering that differs only in constants (because of other variables): then each
        mutant is the same step at the same place.
        """
        alike = self._shape() == other._shape() and [key.step for key in self.mutants] == [
            key.step for key in other.mutants
        ]
        if alike:
            self.mutants = dict(zip(other.mutants, self.mutants.values(), strict=True))

    def _shape(self) -> list[type[exp.Expr]]:
        return [type(node) for node in self._tree.this.walk()]

    def mutated(self, key: Key) -> str:
        """The model's SQL with one mutation."""
        return self._done(key, self._sql)

    def diff(self, key: Key, name: str) -> str:
        """The mutation as a unified diff of the pretty-printed model."""
        before = self._sql(pretty=True).splitlines()
        after = self._done(key, lambda: self._sql(pretty=True)).splitlines()
        return "\n".join(difflib.unified_diff(before, after, name, f"{name} ({key.step})", lineterm="", n=2))

    def nodes(self, kind: type[Node]) -> list[Node]:
        """All nodes of a type."""
        return list(self._tree.this.find_all(kind))

    def with_other(self, old: exp.Expr, new: exp.Expr) -> str:
        """The model's SQL with one node replaced."""
        return self._swapped(old, new, self._sql)

    def _done(self, key: Key, look: Callable[[], str]) -> str:
        return self._swapped(*self.mutants[key], look)

    @staticmethod
    def _swapped(old: exp.Expr, new: exp.Expr | None, look: Callable[[], str]) -> str:
        if new is None:
            parent, argument = old.parent, old.arg_key
            if parent is None or argument is None:
                raise ValueError("the whole statement can't be taken out")
            parent.set(argument, None)
            try:
                return look()
            finally:
                parent.set(argument, old)
        old.replace(new)
        try:
            return look()
        finally:
            new.replace(old)

    def _sql(self, pretty: bool = False) -> str:
        return self._tree.this.sql(dialect=DIALECT, pretty=pretty, comments=False)


def sql_of(node: exp.Expr) -> str:
    """A node's SQL on one line."""
    return node.sql(dialect=DIALECT, comments=False)


def part_of(node: exp.Expr | None) -> str:
    """The name of the CTE that contains a node; empty for the final select."""
    parts = []
    while node is not None:
        if isinstance(node, exp.CTE):
            parts.append(node.alias)
        node = node.parent
    return ".".join(reversed(parts))
