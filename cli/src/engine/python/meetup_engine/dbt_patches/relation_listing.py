"""
Lists the relations of a schema only once.

If the cache isn't populated, two threads may list a schema at the same time. The slower one then overwrites what the faster one
has renamed in the meantime: "Cache inconsistency detected". With this patch, the second thread waits and uses the first one's
list.
"""

from __future__ import annotations

import threading

from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_list_relations = BaseAdapter.list_relations
_listing = threading.RLock()


def list_relations(self: BaseAdapter, database: str | None, schema: str) -> list[BaseRelation]:
    """dbt's method, with a lock."""
    if self._schema_is_cached(database, schema):
        return self.cache.get_relations(database, schema)
    with _listing:
        return _list_relations(self, database, schema)


PATCH = Patch(
    name="relation_listing",
    why="two threads that list a schema at the same time leave dbt's relation cache inconsistent",
    gain="not speed: without it, builds with an empty cache fail occasionally",
    replaces=(
        Replacement(Symbol("dbt.adapters.base.impl:BaseAdapter.list_relations", "01b51070d9670e4b"), list_relations),
    ),
    relies_on=(Symbol("dbt.adapters.base.impl:BaseAdapter._schema_is_cached", "f978d31549ad9a2b"),),
)
