"""What was built from what: the memory that lets a build do only what a change affects.

A node is up to date when its definition and the contents of its inputs are those of its last run. The file is written
before a build with everything that the build may touch taken out, so that a process that is killed at any moment leaves
a memory that asks for too much work, never for too little.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

VERSION = 3


@dataclass
class Record:
    """One node's last run."""

    # The fingerprint that it is known to follow from, and the part of it that compiling would not show.
    definition: str | None
    surroundings: str | None = None
    # The definition of the run itself: what stands for its content to those that read it.
    identity: str | None = None
    # What its SQL was compiled to, apart from comments and white space.
    statement: str | None = None
    # Whether the statement that it ran gives the same rows from the same tables.
    repeatable: bool = True
    # Hashes of the environment variables that were read while it ran, by name.
    environment: dict[str, str | None] = field(default_factory=dict)
    # Macros that it called though its texts don't name them, and a hash of what they were.
    unforeseen: list[str] = field(default_factory=list)
    unforeseen_digest: str | None = None
    inputs: dict[str, str | None] = field(default_factory=dict)
    content: str | None = None
    # The definitions of everything above it, too: an incremental model is made from scratch when one changes.
    lineage: str | None = None
    verdict: str = "pass"
    message: str | None = None
    # Of a snapshot: the contents of all sources above it.
    data: str | None = None
    # Schema and name of what it made, so that it can be dropped when the node is gone.
    relation: tuple[str, str] | None = None

    @property
    def place(self) -> tuple[str, str] | None:
        """The relation, which is a list where it was read from JSON."""
        return None if self.relation is None else (self.relation[0], self.relation[1])


class BuildState:
    """The records of one target, in a file of the state folder."""

    def __init__(self, folder: str, target: str) -> None:
        self._path = os.path.join(folder, f"build-state.{target}.json")
        self._target = target
        self.records: dict[str, Record] = {}
        self._written: str | None = None
        self._read()

    def fails(self, unique_id: str) -> bool:
        record = self.records.get(unique_id)
        return record is not None and record.verdict in ("fail", "error")

    def forget(self, unique_ids: Iterable[str]) -> None:
        for unique_id in unique_ids:
            self.records.pop(unique_id, None)

    def write(self, without: Collection[str] = ()) -> None:
        """Atomic: whole or as before. `without`: nodes that are not to be known."""
        data = {
            "version": VERSION,
            "target": self._target,
            "nodes": {
                unique_id: vars(record) for unique_id, record in self.records.items() if unique_id not in without
            },
        }
        text = json.dumps(data)
        if text == self._written:
            return
        temporary = f"{self._path}.{os.getpid()}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            # Not flushed to the disk: what a power cut takes away is asked for again, and a killed process takes nothing.
            file.write(text)
        os.replace(temporary, self._path)
        self._written = text

    def _read(self) -> None:
        try:
            with open(self._path, encoding="utf-8") as file:
                self._written = file.read()
            data = json.loads(self._written)
            if data["version"] == VERSION and data["target"] == self._target:
                self.records = {unique_id: Record(**record) for unique_id, record in data["nodes"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            self.records = {}  # nothing is known, so everything is built
