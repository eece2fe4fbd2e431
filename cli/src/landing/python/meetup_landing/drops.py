"""The drops in a volume: files in its folder, and in folders named after days, as in the data folder of `meetup load`."""

import datetime
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from .errors import LandingError

MANIFEST: Final = "drop.json"
JSON_FILE: Final = re.compile(r"\.(json|jsonl|ndjson)(\.gz)?$")
JSON_LIKE: Final = re.compile(r"\.(json|jsonl|ndjson)(\.[a-z0-9]+)?$", re.IGNORECASE)
DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class DropFile(NamedTuple):
    entity: str
    path: Path
    # Relative to the volume, with slashes.
    source_file: str
    # Whether the drop's manifest says that the file holds all records there are.
    is_complete: bool


class Drop(NamedTuple):
    # YYYY-MM-DD; none for the files in the volume itself.
    date: str | None
    files: list[DropFile]


def find_drops(folder: Path, entities: Collection[str]) -> tuple[list[Drop], list[str]]:
    """
    The drops, those of days last and in order, and the names of what looks like data but can't be loaded.

    entities: the allowed file names, without extensions.
    """
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    days = [name for name in names if is_day(name)]
    strange = [
        f"{name}/" for name in names if name not in days and any(map(looks_like_data, (folder / name).iterdir()))
    ]
    drops = []
    for date in [None, *days]:
        drop, others = read_drop(folder, date, entities)
        strange += others
        if drop.files:
            drops.append(drop)
    return drops, strange


def looks_like_data(path: Path) -> bool:
    return JSON_LIKE.search(path.name) is not None


def is_day(name: str) -> bool:
    if not DATED.fullmatch(name):
        return False
    try:
        datetime.date.fromisoformat(name)
    except ValueError:
        return False
    return True


def read_drop(folder: Path, date: str | None, entities: Collection[str]) -> tuple[Drop, list[str]]:
    place = folder if date is None else folder / date
    files: dict[str, DropFile] = {}
    strange: list[str] = []
    for path in sorted(place.iterdir()):
        source_file = path.name if date is None else f"{date}/{path.name}"
        if path.name.startswith(".") or path.name == MANIFEST or path.is_dir():
            continue
        entity = JSON_FILE.sub("", path.name) if JSON_FILE.search(path.name) else None
        if entity in files:
            raise LandingError(
                f"{source_file} is the second file of {entity} in its drop: keep one of them, or put each into the folder of its day."
            )
        if entity is not None and entity in entities:
            files[entity] = DropFile(entity, path, source_file, is_complete=False)
        elif looks_like_data(path):
            strange.append(source_file)
    complete = complete_in(place / MANIFEST, files)
    return Drop(date, [file._replace(is_complete=name in complete) for name, file in files.items()]), strange


def complete_in(manifest: Path, files: Collection[str]) -> Collection[str]:
    """The entities whose files are complete."""
    if not manifest.exists():
        return []
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        complete = said.get("complete", False) if isinstance(said, dict) and set(said) <= {"complete"} else None
    except ValueError:
        complete = None
    if isinstance(complete, bool):
        return files if complete else []
    if isinstance(complete, list) and all(name in files for name in complete):
        return [str(name) for name in complete]
    raise LandingError(
        f'{manifest} must be {{"complete": true}}, or have a list of entities with files beside it: correct it. Nothing was loaded.'
    )
