"""How many of an entity's records a complete file lacks (cli/src/ingest/gone.ts)."""

from typing import NamedTuple

from .plan import Entity
from .sql import RunSql, integer, text
from .tables import BATCHES, LOADED_FILES, REJECTED, RawTables


class Gone(NamedTuple):
    # The records that were there before the file, by their keys.
    known: int
    gone: int


def before(dropped_on: str, seq: int) -> str:
    """Whether a row's batch comes before another one."""
    day = f"date {text(dropped_on)}"
    return f"(_dropped_on < {day} or (_dropped_on = {day} and _batch_seq < {seq}))"


def count_gone(run_sql: RunSql, tables: RawTables, name: str, entity: Entity, dropped_on: str, seq: int) -> Gone:
    """After the file was inserted. A rejected record was there too, as far as its key can be read."""
    keys = [f"key_{i}" for i in range(len(entity["key"]))]
    loaded = ", ".join(f"{part['column']} as {key}" for key, part in zip(keys, entity["key"], strict=True))
    in_text = ", ".join(
        f"try_cast(get_json_object(record, {text(path_of(part['name']))}) as {part['type']}) as {key}"
        for key, part in zip(keys, entity["key"], strict=True)
    )
    last = run_sql(
        f"select cast(_dropped_on as string), _batch_seq from (select b.dropped_on as _dropped_on, b.batch_seq as _batch_seq "
        f"from {tables.place(BATCHES)} as b inner join {tables.place(LOADED_FILES)} as f on f.batch_id = b.batch_id "
        f"where f.entity = {text(name)} and f.is_complete) where {before(dropped_on, seq)} "
        "order by _dropped_on desc, _batch_seq desc limit 1"
    )
    since = f" and not {before(str(last[0][0]), integer(last[0][1]))}" if last else ""
    listed = ", ".join(keys)
    given = " and ".join(f"{key} is not null" for key in keys)
    rows = run_sql(
        f"with sightings as (select {loaded}, _dropped_on, _batch_seq from {tables.place(name)} "
        f"union all select {in_text}, _dropped_on, _batch_seq from {tables.place(REJECTED)} where entity = {text(name)}), "
        f"before as (select distinct {listed} from sightings where {before(dropped_on, seq)}{since} and {given}), "
        f"present as (select distinct {listed}, true as is_present from sightings where _batch_seq = {seq}) "
        f"select count(*) as known, count(*) - count(is_present) as gone from before left join present using ({listed})"
    )
    return Gone(integer(rows[0][0]), integer(rows[0][1]))


def path_of(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"$['{escaped}']"
