"""A file that is being loaded: its records, and how they were judged, as files in a volume that Spark reads."""

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from . import columns, values
from .cutting import Record, cut
from .drops import DropFile
from .judge import Judge
from .plan import Entity

CHUNK: Final = 1 << 20


class Places(NamedTuple):
    """A folder in a volume, as this process and as Spark's SQL know it."""

    folder: Path
    path: str

    def part(self, name: str) -> "Places":
        return Places(self.folder / name, f"{self.path}/{name}")


class Measured(NamedTuple):
    file: DropFile
    sha256: str
    bytes: int
    # A copy that nobody else changes.
    copy: Path


def measure(file: DropFile, copy: Path) -> Measured:
    """Copies a file and hashes what it copies."""
    digest = hashlib.sha256()
    size = 0
    with file.path.open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return Measured(file, digest.hexdigest(), size, copy)


def stage(measured: Measured, place: Places) -> int:
    """Writes a file's records, one per line, with their positions. Returns how many there are."""
    read = 0
    with (place.folder / "records").open("w", encoding="ascii") as target:
        for record in cut(measured.copy, measured.file.source_file):
            write(target, record_index=record.number, record_text=record.text)
            read += 1
    return read


class Judged(NamedTuple):
    valid: int
    rejected: int
    # The first rejected record's position and reasons, for messages.
    example: str


def judge(entity: Entity, source_file: str, batch: str, place: Places, doubtful: Collection[int] | None) -> Judged:
    """
    Judges the records in doubt one by one: writes the valid ones as their columns hold them, the others with the reasons.

    doubtful: their positions; none if all are.
    """
    by_rules = Judge(entity["rules"])
    valid = rejected = 0
    example = ""
    with ExitStack() as files:
        accepted = files.enter_context((place.folder / "valid").open("w", encoding="ascii"))
        refused = files.enter_context((place.folder / "rejected").open("w", encoding="ascii"))
        for record in staged(place):
            if doubtful is not None and record.number not in doubtful:
                continue
            value = values.parse(record.text)
            reasons = by_rules.reasons(record.text, value)
            if reasons:
                rejected += 1
                example = example or f"record {record.number}: {'; '.join(reasons[:3])}"
                write(
                    refused,
                    rejected_id=rejected_id(batch, source_file, record),
                    reasons=reasons,
                    record=record.text,
                    record_index=record.number,
                )
            else:
                valid += 1
                stored = columns.stored(value, entity["rules"]["record"])
                write(accepted, record_index=record.number, record_text=json.dumps(stored))
    return Judged(valid, rejected, example)


def staged(place: Places) -> Iterator[Record]:
    with (place.folder / "records").open(encoding="ascii") as lines:
        for line in lines:
            record = json.loads(line)
            yield Record(record["record_index"], record["record_text"])


def write(target: TextIO, **fields: object) -> None:
    target.write(json.dumps(fields) + "\n")


def rejected_id(batch: str, source_file: str, record: Record) -> str:
    """The id of a rejected record: it is the same whenever and wherever the same file is loaded."""
    parts = "\0".join([batch, source_file, str(record.number), record.text])
    return hashlib.sha256(parts.encode()).hexdigest()[:16]
