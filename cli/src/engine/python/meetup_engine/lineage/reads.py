"""
Finds what each column of a query reads, with sqlglot.

A column's value follows from its own expression. Which rows there are follows from joins, filters, groups and limits, and
concerns every column. Both are described by the columns of tables that they read, and by a digest of their meaning: if two
versions of a query have equal digests, the column, or the choice of rows, is written in the same way, whatever changed around it.
What can't be resolved is an error, because a missing read would hide an effect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

DIALECT = "duckdb"

#: The lower-case database, schema and name of a relation.
Place = tuple[str, str, str]
#: A column of a table: the table's place and the lower-case column.
Read = tuple[Place, str]


class UnreadableSql(Exception):
    """sqlglot can't parse the SQL, or can't resolve something that it reads."""


@dataclass(frozen=True)
class Reading:
    """What an expression reads, and a digest of its meaning."""

    reads: frozenset[Read]
    digest: str


@dataclass(frozen=True)
class QueryReadings:
    """The readings of a query: of the choice of its rows, and of each output column by lower-case name."""

    rows: Reading
    columns: Mapping[str, Reading]


def readings_of(query: exp.Expr, tables: Mapping[Place, Sequence[str]]) -> QueryReadings:
    """
    Reads a query, given the columns of the tables in it. The query is modified.
    @raise UnreadableSql: if it is not a query, or if something in it can't be resolved
    """
    if not isinstance(query, exp.Query):
        raise UnreadableSql("it is not a query")
    try:
        scope = build_scope(qualify(query, dialect=DIALECT, schema=_schema(tables)))
    except (SqlglotError, RecursionError) as error:
        raise UnreadableSql(str(error).split("\n", 1)[0]) from error
    if scope is None:
        raise UnreadableSql("it is not a query")
    dynamic = scope.expression.find(exp.Columns, exp.Pivot)
    if dynamic is not None:
        raise UnreadableSql(f"{dynamic.key} can't be resolved")
    scopes = _Scopes()
    return QueryReadings(scopes.rows(scope), {name: scopes.column(scope, name) for name in _names(scope)})


def _schema(tables: Mapping[Place, Sequence[str]]) -> dict[str, object]:
    """The tables in sqlglot's form. It doesn't need their types here."""
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for (database, name, table), columns in tables.items():
        schema.setdefault(database, {}).setdefault(name, {})[table] = {column.lower(): "unknown" for column in columns}
    return {**schema}


class _Scopes:
    """The readings of a query's scopes (its CTEs and subqueries), each made once."""

    def __init__(self) -> None:
        self._columns: dict[tuple[int, str], Reading] = {}
        self._rows: dict[int, Reading] = {}

    def column(self, scope: Scope, name: str) -> Reading:
        """The reading of an output column."""
        key = (id(scope), name)
        if key not in self._columns:
            # A recursive CTE reads itself.
            self._columns[key] = Reading(frozenset(), f"recursive {name}")
            self._columns[key] = self._find_column(scope, name)
        return self._columns[key]

    def rows(self, scope: Scope) -> Reading:
        """The reading of what decides which rows a scope returns."""
        if id(scope) not in self._rows:
            self._rows[id(scope)] = Reading(frozenset(), "recursive")
            self._rows[id(scope)] = together(self._find_rows(scope), scope.expression.key)
        return self._rows[id(scope)]

    def _find_column(self, scope: Scope, name: str) -> Reading:
        names = _names(scope)
        if name not in names:
            raise UnreadableSql(f"{name} can't be resolved")
        position = names.index(name)
        branches = scope.set_operation_scopes
        if branches:
            return together([self.column(branch, _names(branch)[position]) for branch in branches], "branches")
        return self._expression(scope, _selects(scope)[position].unalias())

    def _find_rows(self, scope: Scope) -> Iterator[Reading]:
        yield from (self.rows(branch) for branch in scope.set_operation_scopes)
        query = scope.expression
        if scope.set_operation_scopes and not (isinstance(query, exp.Union) and not query.args.get("distinct")):
            # Whether rows are the same depends on every column.
            yield from (self.column(scope, name) for name in _names(scope))
        if not scope.set_operation_scopes:
            yield from self._rows_of_sources(scope)
            yield from self._rows_of_selects(scope)
        yield from self._rows_of_clauses(scope)

    def _rows_of_sources(self, scope: Scope) -> Iterator[Reading]:
        for name, (_, source) in sorted(scope.selected_sources.items()):
            query = _query_in(source)
            if query is not None:
                yield self.rows(query)
            elif isinstance(source, Scope):
                yield self._expression(scope, source.expression, name)
            else:
                yield Reading(frozenset(), _digest([name, source.sql(dialect=DIALECT, comments=False)]))
                if not isinstance(source.this, exp.Identifier):
                    yield self._expression(scope, source.this, name)

    def _rows_of_selects(self, scope: Scope) -> Iterator[Reading]:
        """Columns that decide on rows: with DISTINCT all of them, with GROUP BY ALL those to group by, and each UNNEST."""
        query = scope.expression
        group = query.args.get("group")
        for select in _selects(scope):
            groups = group is not None and group.args.get("all") and select.find(exp.AggFunc) is None
            if query.args.get("distinct") or groups or select.find(exp.Unnest, exp.Explode, exp.UDTF) is not None:
                yield self._expression(scope, select.unalias(), "select")

    def _rows_of_clauses(self, scope: Scope) -> Iterator[Reading]:
        arguments = scope.expression.args
        clauses = _ROW_CLAUSES if arguments.get("limit") or arguments.get("offset") else _ROW_CLAUSES - {"order"}
        for clause in sorted(clauses):
            value = arguments.get(clause)
            if isinstance(value, exp.Expr):
                yield self._expression(scope, value, clause)
        for join in arguments.get("joins") or ():
            kind = " ".join(str(join.args.get(part) or "") for part in ("method", "side", "kind"))
            yield Reading(frozenset(), _digest([kind, join.alias_or_name]))
            for part in ("on", "match_condition"):
                if isinstance(join.args.get(part), exp.Expr):
                    yield self._expression(scope, join.args[part], kind)

    def _expression(self, scope: Scope, expression: exp.Expr, clause: str = "") -> Reading:
        reads: set[Read] = set()
        below = {id(sub.expression): sub for sub in scope.subquery_scopes}
        found: list[Reading] = []

        def walk(node: exp.Expr) -> exp.Expr:
            reading = self._reading_of(scope, node, below)
            if reading is None:
                for key, value in list(node.args.items()):
                    if isinstance(value, exp.Expr):
                        node.set(key, walk(value))
                    elif isinstance(value, list):
                        node.set(key, [walk(one) if isinstance(one, exp.Expr) else one for one in value])
                return node
            found.append(reading)
            return exp.Literal.string(reading.digest)

        copied, pairs = expression.copy(), list(expression.walk())
        for original, twin in zip(pairs, list(copied.walk()), strict=True):
            if id(original) in below:
                below[id(twin)] = below[id(original)]
        text = walk(copied).sql(dialect=DIALECT, comments=False)
        for reading in found:
            reads |= reading.reads
        return Reading(frozenset(reads), _digest([clause, text]))

    def _reading_of(self, scope: Scope, node: exp.Expr, below: Mapping[int, Scope]) -> Reading | None:
        """The reading of a part that is replaced by its digest: a column, a named window or a subquery."""
        subquery = below.get(id(node))
        if subquery is not None:
            return together(
                [self.rows(subquery), *(self.column(subquery, name) for name in _names(subquery))], "subquery"
            )
        if isinstance(node, exp.Query) and not isinstance(node, exp.Subquery):
            raise UnreadableSql("a subquery in this place can't be resolved")
        if isinstance(node, exp.Column):
            return self._source_column(scope, node)
        if isinstance(node, exp.Window) and node.args.get("alias"):
            return self._named_window(scope, node)
        return None

    def _named_window(self, scope: Scope, window: exp.Window) -> Reading:
        name = window.args["alias"].name
        for named in scope.expression.args.get("windows") or ():
            if named.name == name:
                parts = [part for part in (window.this, *named.args.values()) if isinstance(part, (exp.Expr, list))]
                flat = [one for part in parts for one in (part if isinstance(part, list) else [part])]
                return together(
                    [self._expression(scope, one, "window") for one in flat if one is not named.this], "window"
                )
        raise UnreadableSql(f"the window {name} can't be resolved")

    def _source_column(self, scope: Scope, column: exp.Column) -> Reading:
        source = _source_of(scope, column.table)
        query = _query_in(source)
        if query is not None:
            inner = self.column(query, column.name)
            return Reading(inner.reads, _digest([column.table, inner.digest]))
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            place = (source.catalog.lower(), source.db.lower(), source.name.lower())
            return Reading(frozenset({(place, column.name)}), _digest([column.table, *place, column.name]))
        if isinstance(source, exp.Table):
            # A table function: what it returns follows from its arguments.
            return self._expression(scope, source.this, f"{column.table} {column.name}")
        if isinstance(source, Scope):
            return self._expression(source.parent or scope, source.expression, column.name)
        if not column.table and column.name in _names(scope):
            # ORDER BY may name a column of the result.
            return self.column(scope, column.name)
        raise UnreadableSql(f"{column.sql(dialect=DIALECT)} can't be resolved")


#: Clauses that decide which rows there are; tables, joins and selected columns are read apart from them.
_ROW_CLAUSES = frozenset(
    {"where", "group", "having", "qualify", "distinct", "limit", "offset", "order", "sample", "laterals"}
)


def _selects(scope: Scope) -> list[exp.Expr]:
    query = scope.expression
    return query.selects if isinstance(query, exp.Query) else []


def _names(scope: Scope) -> list[str]:
    return [column.output_name for column in _selects(scope)]


def _query_in(source: Scope | exp.Table | None) -> Scope | None:
    """The scope of a source that is a query: a CTE, a subquery or a lateral one."""
    if not isinstance(source, Scope):
        return None
    if isinstance(source.expression, exp.Lateral) and len(source.subquery_scopes) == 1:
        return source.subquery_scopes[0]
    return source if isinstance(source.expression, exp.Query) else None


def _source_of(scope: Scope | None, name: str) -> Scope | exp.Table | None:
    """The source with this name in a scope, or in one around it for a correlated subquery."""
    while scope is not None:
        if name in scope.sources:
            found = scope.sources[name]
            return found if isinstance(found, (Scope, exp.Table)) else None
        scope = scope.parent
    return None


def together(parts: Iterator[Reading] | Sequence[Reading], kind: str) -> Reading:
    """Several readings as one."""
    parts = list(parts)
    return Reading(
        frozenset().union(*(part.reads for part in parts)), _digest([kind, *(part.digest for part in parts)])
    )


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
