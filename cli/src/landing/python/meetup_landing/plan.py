"""What the task knows about the entities, as cli/src/landing/plan.ts writes it."""

import json
from pathlib import Path
from typing import TypedDict

from .judge import Rules


class KeyColumn(TypedDict):
    name: str
    column: str
    type: str


class Entity(TypedDict):
    rules: Rules
    # A condition on `record_text` for records that are certainly valid.
    check: str | None
    type: str
    columns: list[str]
    key: list[KeyColumn]


class TableColumn(TypedDict):
    name: str
    quoted: str
    type: str


class Table(TypedDict):
    name: str
    clause: str
    columns: list[TableColumn]
    mapping: str | None


class Plan(TypedDict):
    entities: dict[str, Entity]
    tables: list[Table]
    maxRejected: float
    maxGone: float


def read_plan(file: Path) -> Plan:
    """All numbers become doubles, as those of the records are."""
    plan: Plan = json.loads(file.read_text(encoding="utf-8"), parse_int=float)
    return plan
