"""
Creates Jinja's `modules` (datetime, re, pytz, itertools) only once, instead of forty wrapped functions for each context.
"""

from __future__ import annotations

import functools

from dbt.context import base

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_get_context_modules = functools.cache(base.get_context_modules)


def get_context_modules() -> dict[str, dict[str, object]]:
    """dbt's function, with a cache. Each caller gets its own dictionaries."""
    return {name: dict(members) for name, members in _get_context_modules().items()}


PATCH = Patch(
    name="context_modules",
    why="dbt wraps forty functions again for each Jinja context",
    gain="0.19 s of CPU time become 0.03 s (4,816 calls)",
    replaces=(Replacement(Symbol("dbt.context.base:get_context_modules", "47ae6de5d39ea445"), get_context_modules),),
)
