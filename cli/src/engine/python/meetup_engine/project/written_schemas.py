"""Makes an adapter refuse statements that write to other schemas than a command may write to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dbt_common.exceptions import DbtRuntimeError

if TYPE_CHECKING:
    from dbt.adapters.base.impl import BaseAdapter

# Whether a command may write to a schema, whose name is in lower case.
IsOwn = Callable[[str], bool]


def guard(adapter: BaseAdapter, is_own: IsOwn, rule: str) -> Callable[[], None]:
    """
    Makes the adapter check every statement before it is sent.
    @param rule what is allowed, as the beginning of a sentence.
    @returns what ends it.
    """
    connections: Any = adapter.connections
    original = connections.add_query

    def add_query(sql: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - dbt's own signature
        if not stays_inside(sql, is_own):
            raise DbtRuntimeError(f"{rule}, but this statement writes elsewhere: {' '.join(sql.split())[:200]}")
        return original(sql, *arguments, **options)

    def restore() -> None:
        connections.add_query = original

    connections.add_query = add_query
    return restore


_IGNORED = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_READS = re.compile(r"\(*\s*(select|with|values|from|table|show|describe|desc|explain|set|use)\b", re.IGNORECASE)
_TEMPORARY = re.compile(r"create\s+(or\s+replace\s+)?(global\s+)?temp(orary)?\s", re.IGNORECASE)
_INSERTS = re.compile(r"\binsert\s+(into|overwrite)\b", re.IGNORECASE)
_SCHEMA = re.compile(r"^\w+\s+(?:or\s+replace\s+)?(?:on\s+)?(schema|database|namespace)\b", re.IGNORECASE)
_PART = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_NAME = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})+")
_ONE_PART = re.compile(rf"\b(?:exists|schema|database|namespace)\s+({_PART}(?:\s*\.\s*{_PART})*)", re.IGNORECASE)
_DROPPED_VIEW = re.compile(rf"drop\s+view\s+(if\s+exists\s+)?{_PART}\s*;?$", re.IGNORECASE)


def stays_inside(sql: str, is_own: IsOwn) -> bool:
    """Whether a statement reads only, or writes to a schema of one's own. Anything unclear doesn't."""
    statement = _IGNORED.sub(lambda found: "''" if found[0][0] in "'\"" else " ", sql).strip()
    if _READS.match(statement) or not statement:
        return _INSERTS.search(statement) is None
    # A view without a schema is a temporary one: nothing else is created without one.
    if _TEMPORARY.match(statement) or _DROPPED_VIEW.fullmatch(statement):
        return True
    if _SCHEMA.match(statement):
        named = _ONE_PART.findall(statement)
        return bool(named) and is_own(_last_part(named[-1]))
    names = _NAME.findall(statement)
    if statement[:5].lower() != "alter":
        names = names[:1]
    return bool(names) and all(is_own(_last_part(name.rsplit(".", 1)[0])) for name in names)


def _last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1].strip().strip("`").lower()
