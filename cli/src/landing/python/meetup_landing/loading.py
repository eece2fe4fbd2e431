"""
Loads one drop as one batch. Delta has no transaction over several tables, so the row in `raw.batches` comes last: until it is there, the
batch doesn't count, and the next run removes what it finds of it.
"""

import hashlib
from typing import NamedTuple

from .drops import Drop
from .errors import LandingError
from .gone import count_gone
from .lease import Lease
from .plan import Entity, Plan
from .sql import RunSql, integer, text
from .staging import Judged, Measured, Places, judge, stage
from .tables import BATCHES, LOADED_FILES, REJECTED, RawTables


class Target(NamedTuple):
    run_sql: RunSql
    tables: RawTables
    lease: Lease
    plan: Plan


class Batch(NamedTuple):
    id: str
    seq: int
    # YYYY-MM-DD
    dropped_on: str
    # YYYY-MM-DD HH:MM:SS.mmm, UTC
    loaded_at: str


class Staged(NamedTuple):
    measured: Measured
    place: Places
    read: int
    judged: Judged

    @property
    def loaded(self) -> int:
        return self.read - self.judged.rejected


def next_batch(target: Target, drop: Drop, files: list[Measured], loaded_at: str) -> Batch:
    rows = target.run_sql(
        f"select coalesce(max(batch_seq), 0) + 1, cast(coalesce(max(dropped_on), date '1970-01-01') as string) "
        f"from {target.tables.place(BATCHES)}"
    )
    seq = integer(rows[0][0])
    content = hashlib.sha256()
    for measured in files:
        complete = "\0complete" if measured.file.is_complete else ""
        content.update(f"{measured.file.source_file}\0{measured.sha256}{complete}\n".encode())
    # Files without a date take that of the latest drop that was loaded before them.
    batch_id = f"{drop.date or 'dump'}-{content.hexdigest()[:8]}-{seq}"
    return Batch(batch_id, seq, drop.date or str(rows[0][1]), loaded_at)


def load_batch(target: Target, batch: Batch, files: list[Measured], place: Places) -> list[Staged]:
    """Judges all files before anything is written."""
    staged = [stage_file(target, batch, measured, place.part(measured.file.entity)) for measured in files]
    for one in staged:
        require_few_rejected(one, target.plan["maxRejected"])
    for one in staged:
        insert(target, batch, one)
    for one in staged:
        require_few_gone(target, batch, one)
    record(target, batch, staged)
    return staged


def stage_file(target: Target, batch: Batch, measured: Measured, place: Places) -> Staged:
    entity = target.plan["entities"][measured.file.entity]
    if measured.file.is_complete and not entity["key"]:
        raise LandingError(
            f"{measured.file.source_file} can't be complete, because {measured.file.entity}.schema.json names no key: "
            "add one (x-meetup.key). Nothing of its drop was loaded."
        )
    place.folder.mkdir(parents=True)
    read = stage(measured, place)
    # Spark refuses to read a file without any line.
    doubtful = in_doubt(target.run_sql, entity, place) if read > 0 else None
    return Staged(measured, place, read, judge(entity, measured.file.source_file, batch.id, place, doubtful))


def in_doubt(run_sql: RunSql, entity: Entity, place: Places) -> set[int] | None:
    """The positions of records that are not certainly valid; none if all are in doubt."""
    if entity["check"] is None:
        return None
    rows = run_sql(f"select record_index from {records(place, 'records')} where not {entity['check']}")
    return {integer(row[0]) for row in rows}


def records(place: Places, part: str) -> str:
    """Staged records as a FROM clause."""
    lines = f"text.`{place.part(part).path.replace('`', '``')}`"
    fields = "record_index bigint, record_text string"
    return f"(select line.* from (select from_json(value, {text(fields)}) as line from {lines}))"


def require_few_rejected(one: Staged, most: float) -> None:
    if one.judged.rejected > one.read * most:
        share = f"{one.judged.rejected / one.read * 100:.1f}"
        raise LandingError(
            f"{one.measured.file.source_file}: {one.judged.rejected} of {one.read} records ({share} %) failed validation, more than the "
            f"{most * 100:g} % of max_rejected, so nothing of this drop was loaded; for example {one.judged.example}. Replace the file, or "
            "raise max_rejected in meetup.yml."
        )


def insert(target: Target, batch: Batch, one: Staged) -> None:
    """Adds a file's valid records to its table and the others to the quarantine, each in one statement."""
    target.lease.require_held()
    name = one.measured.file.entity
    entity = target.plan["entities"][name]
    stamp = (
        f"{text(batch.id)}, {batch.seq}, date {text(batch.dropped_on)}, {text(one.measured.file.source_file)}, record_index, "
        f"timestamp {text(batch.loaded_at)}"
    )
    columns = "_batch_id, _batch_seq, _dropped_on, _source_file, _record_index, _loaded_at"
    # A text that can't be read after all makes the statement fail.
    read = f"from_json(record_text, {text(entity['type'])}, map('mode', 'FAILFAST')) as record"
    parts = []
    if one.read > one.judged.valid + one.judged.rejected:
        parts.append(f"select record_index, {read} from {records(one.place, 'records')} where {entity['check']}")
    if one.judged.valid > 0:
        parts.append(f"select record_index, {read} from {records(one.place, 'valid')}")
    if parts:
        fields = ", ".join(f"record.{column}" for column in entity["columns"])
        target.run_sql(
            f"insert into {target.tables.place(name)} ({', '.join(entity['columns'])}, {columns}) "
            f"select {fields}, {stamp} from ({' union all '.join(parts)})"
        )
    if one.judged.rejected > 0:
        kind = "rejected_id string, reasons array<string>, record string, record_index bigint"
        lines = f"text.`{one.place.part('rejected').path.replace('`', '``')}`"
        target.run_sql(
            f"insert into {target.tables.place(REJECTED)} (rejected_id, entity, reasons, record, line, {columns}) "
            f"select rejected_id, {text(name)}, reasons, record, cast(null as bigint), {stamp} "
            f"from (select line.* from (select from_json(value, {text(kind)}) as line from {lines}))"
        )
    require_whole(target, batch, one)


def require_whole(target: Target, batch: Batch, one: Staged) -> None:
    """Makes sure that the tables hold as many of the file's records as were counted in it."""
    of_file = f"_batch_seq = {batch.seq} and _source_file = {text(one.measured.file.source_file)}"
    tables = target.tables
    rows = target.run_sql(
        f"select (select count(*) from {tables.place(one.measured.file.entity)} where {of_file}) as loaded, "
        f"(select count(*) from {tables.place(REJECTED)} where {of_file}) as rejected"
    )
    found = (integer(rows[0][0]), integer(rows[0][1]))
    if found != (one.loaded, one.judged.rejected):
        raise LandingError(
            f"{one.measured.file.source_file} was not loaded completely: only {sum(found)} of its {one.read} records. Please report this."
        )


def require_few_gone(target: Target, batch: Batch, one: Staged) -> None:
    file = one.measured.file
    if not file.is_complete:
        return
    entity = target.plan["entities"][file.entity]
    known, gone = count_gone(target.run_sql, target.tables, file.entity, entity, batch.dropped_on, batch.seq)
    most = target.plan["maxGone"]
    if gone > known * most:
        raise LandingError(
            f"{file.source_file} lacks {gone} of the {known} {file.entity} that were there before ({gone / known * 100:.1f} %), more than the "
            f"{most * 100:g} % of max_gone, although its drop.json says that it is complete, so nothing of this drop was loaded: get the file "
            "again, correct drop.json, or raise max_gone in meetup.yml."
        )


def record(target: Target, batch: Batch, staged: list[Staged]) -> None:
    """Lists the files, and then the batch: from then on it counts."""
    target.lease.require_held()
    rows = ", ".join(
        f"({text(batch.id)}, {text(one.measured.file.entity)}, {text(one.measured.file.source_file)}, {text(one.measured.sha256)}, "
        f"{one.measured.bytes}, {one.read}, {one.loaded}, {one.judged.rejected}, {str(one.measured.file.is_complete).lower()})"
        for one in staged
    )
    target.run_sql(
        f"insert into {target.tables.place(LOADED_FILES)} (batch_id, entity, source_file, sha256, bytes, records_read, records_loaded, "
        f"records_rejected, is_complete) values {rows}"
    )
    folder = staged[0].measured.file.source_file.rpartition("/")[0] or "."
    target.run_sql(
        f"insert into {target.tables.place(BATCHES)} (batch_id, batch_seq, dropped_on, folder, loaded_at) values "
        f"({text(batch.id)}, {batch.seq}, date {text(batch.dropped_on)}, {text(folder)}, timestamp {text(batch.loaded_at)})"
    )
