"""
Moves a whole project into schemas of its own, so that unit tests on a target touch nothing that is deployed there.

The prefix goes in front of every schema, whatever the project's `generate_schema_name` says, and of every source's schema. Hooks
don't run, because they may write anywhere. And as macros may too, every statement is checked before it is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dbt.artifacts.resources.types import NodeType
from dbt_common.exceptions import DbtRuntimeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest

# They would hold rows of which no unit test needs any: a view costs a tenth of a Delta table.
_HOLD_ROWS = ("table", "incremental")


def with_prefix(schema: str, prefix: str) -> str:
    """A schema's name in the project's own schemas."""
    return schema if schema.startswith(prefix) else prefix + schema


def move(manifest: Manifest, prefix: str, config: RuntimeConfig, adapter: BaseAdapter) -> None:
    """Changes all nodes and sources in place, except those that have already been changed."""
    placed: Iterable[Any] = [*manifest.nodes.values(), *manifest.sources.values(), *manifest.unit_tests.values()]
    for node in placed:
        node.schema = with_prefix(node.schema, prefix)
        if getattr(node, "relation_name", None):
            node.relation_name = str(adapter.Relation.create_from(config, node))
        if node.resource_type in (NodeType.Model, NodeType.Seed, NodeType.Snapshot):
            node.config.pre_hook = []
            node.config.post_hook = []
        if node.resource_type == NodeType.Model and node.config.materialized in _HOLD_ROWS:
            node.config.materialized = "view"


def guard(adapter: BaseAdapter, prefix: str) -> None:
    """Makes the adapter refuse statements that write to other schemas."""
    connections: Any = adapter.connections
    original = connections.add_query

    def add_query(sql: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - dbt's own signature
        if not stays_inside(sql, prefix):
            raise DbtRuntimeError(
                f"On this target, unit tests only write to schemas that begin with {prefix}, "
                f"but this statement writes elsewhere: {' '.join(sql.split())[:200]}"
            )
        return original(sql, *arguments, **options)

    connections.add_query = add_query


_IGNORED = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_READS = re.compile(r"\(*\s*(select|with|values|from|table|show|describe|desc|explain|set|use)\b", re.IGNORECASE)
_TEMPORARY = re.compile(r"create\s+(or\s+replace\s+)?(global\s+)?temp(orary)?\s", re.IGNORECASE)
_INSERTS = re.compile(r"\binsert\s+(into|overwrite)\b", re.IGNORECASE)
_SCHEMA = re.compile(r"^\w+\s+(?:or\s+replace\s+)?(?:on\s+)?(schema|database|namespace)\b", re.IGNORECASE)
_PART = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_NAME = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})+")
_ONE_PART = re.compile(rf"\b(?:exists|schema|database|namespace)\s+({_PART}(?:\s*\.\s*{_PART})*)", re.IGNORECASE)
_DROPPED_VIEW = re.compile(rf"drop\s+view\s+(if\s+exists\s+)?{_PART}\s*;?$", re.IGNORECASE)


def stays_inside(sql: str, prefix: str) -> bool:
    """Whether a statement reads only, or writes to a schema with the prefix. Anything unclear doesn't."""
    statement = _IGNORED.sub(lambda found: "''" if found[0][0] in "'\"" else " ", sql).strip()
    if _READS.match(statement) or not statement:
        return _INSERTS.search(statement) is None
    # A view without a schema is a temporary one: nothing else is created without one.
    if _TEMPORARY.match(statement) or _DROPPED_VIEW.fullmatch(statement):
        return True
    if _SCHEMA.match(statement):
        named = _ONE_PART.findall(statement)
        return bool(named) and _last_part(named[-1]).startswith(prefix)
    names = _NAME.findall(statement)
    if statement[:5].lower() != "alter":
        names = names[:1]
    return bool(names) and all(_last_part(name.rsplit(".", 1)[0]).startswith(prefix) for name in names)


def _last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1].strip().strip("`").lower()
