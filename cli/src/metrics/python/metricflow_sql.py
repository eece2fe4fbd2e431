"""
Turns a question about metrics into SQL, with MetricFlow. Reads one JSON document from stdin and writes one to stdout; opens no
database and writes no file.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Literal, TypedDict, cast

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.errors.error_classes import InvalidQueryException
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


class Question(TypedDict):
    # JSON, as in dbt's semantic_manifest.json.
    definitions: str
    metrics: list[str]
    by: list[str]
    where: list[str]
    limit: int | None


class Statement(TypedDict):
    kind: Literal["sql"]
    sql: str


class UnknownName(TypedDict):
    """A name in `by` or in a filter that these metrics don't have."""

    kind: Literal["by", "where"]
    name: str
    available: list[str]


class Refused(TypedDict):
    kind: Literal["refused"]
    message: str


class _DuckDb:
    """The part of MetricFlow's client that says how to write SQL. It runs nothing."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


def answer(question: Question) -> Statement | UnknownName | Refused:
    """The SQL, or why there is none."""
    manifest = parse_manifest_from_dbt_generated_manifest(question["definitions"])
    engine = MetricFlowEngine(semantic_manifest_lookup=SemanticManifestLookup(manifest), sql_client=_DuckDb())
    available = sorted(_names_to_group_by(engine, question["metrics"]), key=lambda one: (one.count("__"), one))
    for name in question["by"]:
        if _without_grain(name.lower()) not in available:
            return {"kind": "by", "name": name, "available": available}
    try:
        explained = engine.explain(
            MetricFlowQueryRequest.create(
                metric_names=question["metrics"],
                group_by_names=question["by"],
                where_constraints=question["where"] or None,
                order_by_names=question["by"],
                limit=question["limit"],
            )
        )
    except InvalidQueryException as error:
        return _refusal(str(error), available)
    return {"kind": "sql", "sql": explained.sql_statement.without_descriptions.sql}


def _names_to_group_by(engine: MetricFlowEngine, metrics: list[str]) -> set[str]:
    found = {"metric_time"}
    for one in engine.list_group_bys(metrics):
        found.add(_without_grain(getattr(one, "dunder_name", None) or one.name))
    return found


def _without_grain(name: str) -> str:
    stem, _, grain = name.rpartition("__")
    return stem if grain in GRAINS else name


def _refusal(message: str, available: list[str]) -> UnknownName | Refused:
    """MetricFlow explains itself in many lines, with traces; users get what is wrong."""
    named = re.search(r"Object Builder Input:\s*\n\s*(?P<name>.+)", message)
    if named:
        return {"kind": "where", "name": named["name"].strip(), "available": available}
    template = re.search(r"^\s*jinja2\.exceptions\.\w+: (?P<text>.+)$", message, re.MULTILINE)
    if template:
        return {"kind": "refused", "message": f"the filter is not a template that it can read: {template['text']}"}
    first = re.search(r"Message:\s*\n\s*\n(?P<text>.*?)(?:\n\s*\n|\Z)", message, re.DOTALL)
    return {"kind": "refused", "message": " ".join((first["text"] if first else message).split()).rstrip(".")}


if __name__ == "__main__":
    json.dump(answer(cast(Question, json.load(sys.stdin))), sys.stdout)
