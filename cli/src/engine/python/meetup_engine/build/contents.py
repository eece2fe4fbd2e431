"""Contents of relations as short hashes that don't depend on the order of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from meetup_engine.lru_cache import LruCache
from meetup_engine.sql_text import literal, quoted

if TYPE_CHECKING:
    from dbt.adapters.duckdb.impl import DuckDBAdapter
    from dbt.adapters.duckdb.relation import DuckDBRelation

# (name, type) pairs.
Columns = tuple[tuple[str, str], ...]
# (schema, name).
Place = tuple[str, str]

_COLUMNS = """
select schema_name, table_name, list(column_name order by column_index), list(data_type order by column_index)
from duckdb_columns() where database_name = current_database() and not internal
group by all
"""


class Contents:
    """Hashes contents of relations through an open DuckDB connection of dbt's adapter."""

    def __init__(self, adapter: DuckDBAdapter) -> None:
        self._adapter = adapter

    def columns(self) -> dict[Place, Columns]:
        """The columns of every table and view, by (schema, name)."""
        return {
            (schema, table): tuple(zip(names, types, strict=True))
            for schema, table, names, types in self._rows(_COLUMNS)
        }

    def columns_of(self, schema: str, name: str) -> Columns:
        """The columns of an existing table or view."""
        # Twenty times as fast as filtering information_schema.columns.
        rows = self._rows(f"select column_name, column_type from (describe {quoted(schema)}.{quoted(name)})")
        return tuple((column, kind) for column, kind in rows)

    def of_table(self, relation: str, columns: Columns) -> str | None:
        """Hashes all rows, including duplicates, independent of their order."""
        if not columns:
            return None
        names = ", ".join(quoted(name) for name, _ in columns)
        ((rows, total, parity),) = self._rows(
            f"select count(*), sum(hash({names})::hugeint)::varchar, bit_xor(hash({names}))::varchar from {relation}"
        )
        return digest(rows, total, parity, columns)

    def of_append_only(self, relation: str, columns: Columns) -> str:
        """Raw tables are append-only, batch by batch, so the number of rows and the newest batch identify the content."""
        ((rows, newest),) = self._rows(f"select count(*), max(_batch_seq) from {relation}")
        return digest(rows, newest, columns)

    def drop(self, places: Iterable[Place]) -> list[str]:
        """Drops tables and views, by (schema, name). Returns the names of those that existed."""
        dropped = []
        for schema, name in places:
            kinds = self._rows(
                "select 'table' from duckdb_tables() where not internal and (schema_name, table_name) = "
                f"({literal(schema)}, {literal(name)}) union all select 'view' from duckdb_views() "
                f"where not internal and (schema_name, view_name) = ({literal(schema)}, {literal(name)})"
            )
            for (kind,) in kinds:
                self._adapter.connections.add_query(f"drop {kind} {quoted(schema)}.{quoted(name)}", auto_begin=False)
                dropped.append(f"{schema}.{name}")
            # Otherwise dbt would treat a later relation of this name as a new version of the dropped one.
            self._adapter.cache_dropped(self._relation(schema, name))
        return dropped

    def _relation(self, schema: str, name: str) -> DuckDBRelation:
        return self._adapter.Relation.create(
            database=self._adapter.config.credentials.database, schema=schema, identifier=name
        )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        _, cursor = self._adapter.connections.add_query(sql, auto_begin=False)
        return cursor.fetchall()


_column_digests: LruCache[Columns, str] = LruCache(4096)


def digest_of_columns(columns: Columns) -> str:
    """A hash of columns, kept because each of them is compared many times."""
    known = _column_digests.get(columns)
    if known is None:
        known = digest(columns)
        _column_digests.put(columns, known)
    return known


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
