"""Reduces a unit test to the part that a JSON Schema can validate."""

from __future__ import annotations


def outline_of_unit_test(test: object) -> object:
    """
    A unit test with only one row of each set of columns and types: a schema can't distinguish the others, and a test may have
    hundreds of rows.
    """
    if not isinstance(test, dict):
        return test
    outline = {name: _outline_of_rows(part) for name, part in test.items()}
    if isinstance(test.get("given"), list):
        outline["given"] = [_outline_of_rows(given) for given in test["given"]]
    return outline


def _outline_of_rows(part: object) -> object:
    rows = part.get("rows") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return part
    shapes = dict.fromkeys(tuple((name, type(value)) for name, value in row.items()) for row in rows)
    nested = [row for row in rows if any(isinstance(value, (dict, list)) for value in row.values())]
    return {**part, "rows": (list(shapes), nested)}
