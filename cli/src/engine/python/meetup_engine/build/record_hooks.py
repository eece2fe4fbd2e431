"""The hooks that make runs of dbt on a target part of its history (dbt/macros/deployment)."""

from __future__ import annotations

import re

_RECORDS = re.compile(r"^\s*\{\{\s*meetup_run_(?:begins\(\s*\)|ends\(\s*results\s*\))\s*\}\}\s*$")


def only_records(hook: str) -> bool:
    """Whether a hook only records a run, so that no row depends on it. One that does more besides is a hook like any other."""
    return _RECORDS.match(hook) is not None
