"""Loads what has arrived in a volume, each file exactly once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import lease
from .drops import Drop, find_drops
from .errors import LandingError
from .loading import Target, load_batch, next_batch
from .plan import Plan
from .sql import RunSql, quoted
from .staging import Measured, Places, measure
from .tables import BATCHES, LOADED_FILES, RawTables


class Effects(NamedTuple):
    run_sql: RunSql
    # Where /Volumes is in this process's file system.
    volumes: Path
    # A moment in UTC, YYYY-MM-DD HH:MM:SS.mmm.
    now: Callable[[], str]
    say: Callable[[str], object]


class Options(NamedTuple):
    plan: Plan
    catalog: str
    # The volume with the drops, as `<schema>.<volume>`.
    volume: str
    run: lease.Run


class Loaded(NamedTuple):
    batch: str
    read: int
    rejected: int


def land(options: Options, effects: Effects) -> list[Loaded]:
    """
    Loads each drop with new files as one batch, in order. A file is new if its content isn't that of its last load.

    Raises LandingError at the first drop that can't be loaded; nothing of it remains, and earlier ones stay.
    """
    catalog, run_sql = options.catalog, effects.run_sql
    tables = RawTables(run_sql, catalog, options.plan)
    folder = effects.volumes.joinpath(catalog, *options.volume.split("."))
    with lease.held(run_sql, catalog, options.run) as mine:
        run_sql(f"create volume if not exists {quoted(catalog, 'meetup', 'files')}")
        own = f"{catalog}/meetup/files/arrivals"
        place = Places(effects.volumes / own, f"/Volumes/{own}")
        empty(place)
        tables.prepare()
        mine.require_held()
        tables.remove_unfinished()
        target = Target(run_sql, tables, mine, options.plan)
        drops, strange = find_drops(folder, options.plan["entities"])
        for name in strange:
            effects.say(f"Not loaded: {name} (it isn't named after an entity or a day).")
        loaded = []
        try:
            for drop in drops:
                loaded += load_drop(target, drop, place, effects)
        except LandingError:
            if mine.holder() == options.run.holder:
                tables.remove_unfinished()
            raise
        finally:
            empty(place)
        return loaded


def load_drop(target: Target, drop: Drop, place: Places, effects: Effects) -> list[Loaded]:
    known = last_loaded(target)
    files: list[Measured] = []
    for file in drop.files:
        measured = measure(file, place.folder / f"{file.entity}{''.join(file.path.suffixes)}")
        last = known.get(file.source_file)
        is_loaded = last is not None and last[0] == measured.sha256 and (last[1] or not file.is_complete)
        if not is_loaded:
            files.append(measured)
    if not files:
        return []
    # Entities in the order in which `load` has them.
    order = list(target.plan["entities"])
    files.sort(key=lambda measured: measured.file.source_file)
    batch = next_batch(target, drop, files, effects.now())
    staged = load_batch(
        target, batch, sorted(files, key=lambda one: order.index(one.file.entity)), place.part(batch.id)
    )
    done = Loaded(batch.id, sum(one.read for one in staged), sum(one.judged.rejected for one in staged))
    effects.say(f"Loaded {batch.id}: {done.read} records, {done.rejected} of them rejected.")
    return [done]


def last_loaded(target: Target) -> dict[str, tuple[str, bool]]:
    """By file, the hash of what it held when it was last loaded, and whether it was complete."""
    rows = target.run_sql(
        f"select f.source_file, max_by(f.sha256, b.batch_seq) as sha256, "
        f"max_by(coalesce(f.is_complete, false), b.batch_seq) as is_complete from {target.tables.place(LOADED_FILES)} as f "
        f"inner join {target.tables.place(BATCHES)} as b on f.batch_id = b.batch_id group by f.source_file"
    )
    return {str(file): (str(sha256), complete is True) for file, sha256, complete in rows}


def empty(place: Places) -> None:
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
