"""
Counts the failing rows of several data tests of one relation in one scan of it.

Most tests select the rows of a relation that satisfy a condition, and dbt counts them. If DuckDB's own parser shows that a test's
statement is no more than that, its count is `count(*) filter (where condition)`, and one statement has the counts of all such tests. A
test that is anything else runs as dbt's own statement, and so does one that fails, so that its verdict and rows are dbt's.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from meetup_engine.lru_cache import LruCache
from meetup_engine.sql_text import literal

# Runs a statement and returns its rows.
Rows = Callable[[str], list[tuple[Any, ...]]]
# A part of a statement as DuckDB's parser describes it.
Tree = dict[str, Any]

# What dbt's `get_test_sql` puts around a test without settings of its own, and what may be around that.
_BEFORE = re.compile(
    r"\s*select\s+count\(\*\) as failures,\s+count\(\*\) != 0 as should_warn,\s+count\(\*\) != 0 as should_error\s+from \(\s*"
)
_AFTER = re.compile(r"\s*\) dbt_internal_test\s*")
# Parts of a condition that depend on nothing but one row.
_OF_ONE_ROW = frozenset(
    {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "CAST", "CASE", "FUNCTION"}
)
_CALL: Tree = {
    "class": "FUNCTION",
    "type": "FUNCTION",
    "alias": "",
    "function_name": "count_star",
    "schema": "",
    "children": [],
    "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
    "distinct": False,
    "is_operator": False,
    "export_state": False,
    "catalog": "",
}


_statements: LruCache[tuple[Condition, ...], str] = LruCache(512)


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database, whose parser takes statements apart."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _ask_parser(function: str, text: str) -> str:
    # Not as a parameter, since for the first one DuckDB imports pandas: a second, and 70 MB for as long as the engine lives.
    answer = _parser().cursor().execute(f"select {function}({literal(text)})").fetchone()
    return str(answer[0]) if answer else ""


@dataclass(frozen=True)
class Condition:
    """The rows of a relation that a test counts; both parts as JSON."""

    relation: str
    where: str


def condition_of(statement: str, compiled: str) -> Condition | None:
    """What a test counts; None if it isn't the number of rows of a relation that satisfy a condition."""
    before, found, after = statement.partition(compiled)
    if not found or not _BEFORE.fullmatch(before) or not _AFTER.fullmatch(after):
        return None
    tree = _parsed(compiled)
    if tree is None or not _only_filters(tree):
        return None
    return Condition(json.dumps(_placeless(tree["from_table"])), json.dumps(_placeless(tree["where_clause"])))


def counting(conditions: tuple[Condition, ...]) -> str:
    """A statement with the counts of all these conditions, which are on the same relation."""
    known = _statements.get(conditions)
    if known is None:
        known = _counting(conditions)
        _statements.put(conditions, known)
    return known


def _counting(conditions: tuple[Condition, ...]) -> str:
    calls = [{**_CALL, "filter": json.loads(condition.where)} for condition in conditions]
    tree = {**_EMPTY, "select_list": calls, "from_table": json.loads(conditions[0].relation)}
    document = {"error": False, "statements": [{"node": tree, "named_param_map": []}]}
    return _ask_parser("json_deserialize_sql", json.dumps(document))


_EMPTY: Tree = {
    "type": "SELECT_NODE",
    "modifiers": [],
    "cte_map": {"map": []},
    "where_clause": None,
    "group_expressions": [],
    "group_sets": [],
    "aggregate_handling": "STANDARD_HANDLING",
    "having": None,
    "sample": None,
    "qualify": None,
}


class Counts:
    """The counts of one build. A relation is counted when the first of its tests asks, for all that are to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, int] = {}
        # Tests that were counted together, or couldn't be.
        self._asked: set[str] = set()

    def of(self, unique_id: str, together: Callable[[], Mapping[str, Condition]], rows: Rows) -> int | None:
        """A test's number of failing rows; None if it has to run by itself. `together`: the tests to count with it, and itself."""
        with self._lock:
            if unique_id not in self._asked:
                self._count({name: it for name, it in together().items() if name not in self._asked}, rows)
            return self._of.get(unique_id)

    def _count(self, conditions: Mapping[str, Condition], rows: Rows) -> None:
        self._asked.update(conditions)
        if len(conditions) < 2:
            return
        try:
            (counts,) = rows(counting(tuple(conditions.values())))
        except Exception:  # noqa: BLE001 - one of them fails by itself too, and then its error is reported
            return
        self._of.update(zip(conditions, counts, strict=True))


def _parsed(sql: str) -> Tree | None:
    document = json.loads(_ask_parser("json_serialize_sql", sql))
    if document["error"] or len(document["statements"]) != 1 or document["statements"][0]["named_param_map"]:
        return None
    node: Tree = document["statements"][0]["node"]
    return node


def _only_filters(tree: Tree) -> bool:
    relation, where = tree.get("from_table") or {}, tree.get("where_clause")
    plain = {key: value for key, value in tree.items() if key not in ("select_list", "from_table", "where_clause")}
    return (
        plain == {key: value for key, value in _EMPTY.items() if key != "where_clause"}
        and relation.get("type") == "BASE_TABLE"
        and relation.get("sample") is None
        and where is not None
        and all(_keeps_rows(item) for item in tree["select_list"])
        and all(part in _OF_ONE_ROW for part in _classes_in(where))
    )


def _keeps_rows(item: Tree) -> bool:
    """Whether an item of a select list has one value for each row, and no name that the condition could mean."""
    if item["class"] == "STAR":
        return not any(value for key, value in item.items() if key not in ("class", "type", "query_location"))
    return item["class"] in ("COLUMN_REF", "CONSTANT") and not item["alias"]


def _classes_in(tree: object) -> list[str]:
    if isinstance(tree, list):
        return [name for item in tree for name in _classes_in(item)]
    if not isinstance(tree, dict):
        return []
    own = [tree["class"]] if isinstance(tree.get("class"), str) else []
    return own + [name for key, value in tree.items() if key != "value" for name in _classes_in(value)]


def _placeless(tree: Any) -> Any:  # noqa: ANN401 - any JSON
    """A part of a statement without the places of its words in the text."""
    if isinstance(tree, list):
        return [_placeless(item) for item in tree]
    if isinstance(tree, dict):
        return {key: _placeless(value) for key, value in tree.items() if key != "query_location"}
    return tree
