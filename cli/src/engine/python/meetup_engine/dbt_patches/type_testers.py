"""
Creates agate's type testers only once per set of columns.

dbt creates eight parsers of natural-language dates for each table that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable

import agate
from dbt_common.clients import agate_helper

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol
from meetup_engine.lru_cache import LruCache

_build_type_tester = agate_helper.build_type_tester
_built: LruCache[tuple[tuple[str, ...], tuple[str, ...] | None], agate.TypeTester] = LruCache(512)


def build_type_tester(
    text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")
) -> agate.TypeTester:
    """dbt's function, with a cache. Testers are stateless."""
    key = (tuple(text_columns), None if string_null_values is None else tuple(string_null_values))
    tester = _built.get(key)
    if tester is None:
        tester = _build_type_tester(*key)
        _built.put(key, tester)
    return tester


PATCH = Patch(
    name="type_testers",
    why="dbt creates eight parsers of natural-language dates for each table that it reads",
    gain="0.65 s of CPU time become 0.01 s (709 calls)",
    replaces=(
        Replacement(Symbol("dbt_common.clients.agate_helper:build_type_tester", "a743694b0fdead9b"), build_type_tester),
    ),
)
