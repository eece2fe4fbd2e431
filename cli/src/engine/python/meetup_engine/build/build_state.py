"""The build state: what was built from what, so that a build only runs what a change affects.

A node is up to date if its definition and the contents of its inputs are the same as at its last run. Before a build, the file
is written without the records of all nodes that the build may touch. So a process that is killed at any moment leaves a state
that causes too much work, never too little.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

VERSION = 3
# Where a record keeps its JSON.
_TEXT = " text"


@dataclass
class Record:
    """One node's last run."""

    # The fingerprint that it was built from, and the part of it that compiling would not show.
    definition: str | None
    surroundings: str | None = None
    # The definition at the time of the run, which identifies the node to its dependents.
    identity: str | None = None
    # A hash of its compiled SQL without comments and white space.
    statement: str | None = None
    # Whether its statement returns the same rows for the same tables.
    repeatable: bool = True
    # Hashes of the environment variables that were read during the run, by name.
    environment: dict[str, str | None] = field(default_factory=dict)
    # Macros that it called although its texts don't name them, and a hash of their definitions.
    unforeseen: list[str] = field(default_factory=list)
    unforeseen_digest: str | None = None
    inputs: dict[str, str | None] = field(default_factory=dict)
    content: str | None = None
    # A hash of its own definition and those of everything upstream: if it changes, incremental models are built from scratch.
    lineage: str | None = None
    verdict: str = "pass"
    message: str | None = None
    # For a snapshot: a hash of the contents of all sources upstream.
    data: str | None = None
    # Schema and name of its relation, so that it can be dropped when the node is gone.
    relation: tuple[str, str] | None = None

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        vars(self)[_TEXT] = None

    def text(self) -> str:
        """The record as JSON, kept until a field is set. Values are replaced, never modified."""
        known: str | None = vars(self)[_TEXT]
        if known is None:
            known = json.dumps({name: value for name, value in vars(self).items() if name != _TEXT})
            vars(self)[_TEXT] = known
        return known

    def is_as_in(self, text: str) -> bool:
        """Whether no field was set since this very text was made."""
        return vars(self)[_TEXT] is text

    @property
    def place(self) -> tuple[str, str] | None:
        """The relation as a tuple; in JSON, it is a list."""
        return None if self.relation is None else (self.relation[0], self.relation[1])


class BuildState:
    """The records of one target, in a file in the state folder."""

    def __init__(self, folder: str, target: str) -> None:
        self._path = os.path.join(folder, f"build-state.{target}.json")
        self._target = target
        self.records: dict[str, Record] = {}
        self._written: str | None = None
        self._read()

    @property
    def text(self) -> str | None:
        """The text of the file, as this process last read or wrote it."""
        return self._written

    def fails(self, unique_id: str) -> bool:
        record = self.records.get(unique_id)
        return record is not None and record.verdict in ("fail", "error")

    def forget(self, unique_ids: Iterable[str]) -> None:
        for unique_id in unique_ids:
            self.records.pop(unique_id, None)

    def write(self, without: Collection[str] = ()) -> None:
        """Writes the file atomically. `without`: nodes whose records to leave out."""
        kept = {unique_id: record for unique_id, record in self.records.items() if unique_id not in without}
        texts = {unique_id: record.text() for unique_id, record in kept.items()}
        nodes = ", ".join(f"{json.dumps(unique_id)}: {text}" for unique_id, text in texts.items())
        text = f'{{"version": {VERSION}, "target": {json.dumps(self._target)}, "nodes": {{{nodes}}}}}'
        if text == self._written:
            return
        temporary = f"{self._path}.{os.getpid()}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            # No fsync: a killed process loses nothing, and what a power failure loses is rebuilt.
            file.write(text)
        os.replace(temporary, self._path)
        self._written = text
        _in_memory[self._path] = InMemory(text, kept, texts)

    def _read(self) -> None:
        try:
            with open(self._path, encoding="utf-8") as file:
                self._written = file.read()
            known = _in_memory.get(self._path)
            if known is not None and known.is_of(self._written):
                self.records = dict(known.records)
                return
            data = json.loads(self._written)
            if data["version"] == VERSION and data["target"] == self._target:
                self.records = {unique_id: Record(**record) for unique_id, record in data["nodes"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            self.records = {}  # no state, so everything is built


@dataclass(frozen=True)
class InMemory:
    """What this process wrote last, so that it isn't parsed again."""

    text: str
    records: dict[str, Record]
    texts: dict[str, str]

    def is_of(self, text: str) -> bool:
        """Whether the file still has this text, and no record was modified since without being written."""
        return self.text == text and all(
            record.is_as_in(self.texts[unique_id]) for unique_id, record in self.records.items()
        )


# By path.
_in_memory: dict[str, InMemory] = {}
