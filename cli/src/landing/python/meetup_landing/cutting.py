"""Cuts a file into its records, and finds out whether it is JSON. A file holds one array of records, or one record per line."""

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from . import values
from .errors import LandingError

# The size limit for one record (characters; `load` counts bytes).
LARGEST_RECORD: Final = 32 * 1024 * 1024
CHUNK: Final = 1 << 22
SPACE: Final = re.compile(r"[ \t\r\n]*")
MARK: Final = "\ufeff"


class Record(NamedTuple):
    # Its position in the file, from 0.
    number: int
    text: str


def cut(file: Path, name: str) -> Iterator[Record]:
    """
    The records of a file, each of which is JSON.

    name: what the file is called in messages.
    """
    read = 0
    try:
        with opened(file) as text:
            for read, record in enumerate(records_in(text, name), start=1):
                yield Record(read - 1, record)
    except values.NotJson as error:
        raise LandingError(
            f"{name} is not JSON in record {read}: {error}. Replace the file and run the task again; nothing of its drop was loaded."
        ) from error
    except (UnicodeDecodeError, EOFError, OSError) as error:
        why = "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise LandingError(
            f"{name} can't be read ({why}): replace the file. Nothing of its drop was loaded."
        ) from error


def opened(file: Path) -> io.TextIOBase:
    if file.name.endswith(".gz"):
        return io.TextIOWrapper(gzip.open(file), encoding="utf-8", newline="\n")
    return file.open(encoding="utf-8", newline="\n")


def records_in(text: io.TextIOBase, name: str) -> Iterator[str]:
    start = text.read(CHUNK)
    has_mark = start.startswith(MARK)
    start = start.removeprefix(MARK)
    while start and not start.strip(" \t\r\n"):
        start = text.read(CHUNK)
    if start.lstrip(" \t\r\n").startswith("["):
        return items(text, start, name)
    if has_mark:
        raise LandingError(f"{name} starts with a byte order mark: save it as UTF-8 without one.")
    return lines(text, start, name)


def lines(text: io.TextIOBase, start: str, name: str) -> Iterator[str]:
    """One record on each line that isn't blank."""
    rest = start
    while True:
        *whole, rest = rest.split("\n")
        for line in whole:
            yield from record_on(line)
        more = text.read(CHUNK)
        if not more:
            yield from record_on(rest)
            return
        rest += more
        require_size(rest.rpartition("\n")[2], name)


def record_on(line: str) -> Iterator[str]:
    record = line.strip()
    if record:
        values.parse(record)
        yield record


def items(text: io.TextIOBase, start: str, name: str) -> Iterator[str]:
    """The items of an array. What was read is tried to be decoded as one item; if that fails, more is read."""
    buffer = Buffer(text, start)
    buffer.expect("[")
    if buffer.next() == "]":
        buffer.expect("]")
    else:
        while True:
            yield item_in(buffer, name)
            if buffer.next() == "]":
                buffer.expect("]")
                break
            buffer.expect(",")
    if buffer.next():
        raise values.NotJson("something follows the array")


def item_in(buffer: "Buffer", name: str) -> str:
    buffer.next()
    while True:
        try:
            _, end = values.DECODER.raw_decode(buffer.text, buffer.at)
            # A number could go on in what wasn't read yet.
            if end < len(buffer.text) or not buffer.read():
                item = buffer.text[buffer.at : end]
                values.require_whole_characters(item)
                require_size(item, name)
                buffer.at = end
                return item
        except values.NotJson:
            raise
        except RecursionError as error:
            raise values.NotJson("it is nested too deeply") from error
        except ValueError as error:
            require_size(buffer.text[buffer.at :], name)
            if not buffer.read():
                why = getattr(error, "msg", str(error))
                raise values.NotJson(f"{why}, or the file is truncated") from error


def require_size(record: str, name: str) -> None:
    if len(record) > LARGEST_RECORD:
        raise LandingError(f"{name} has a record of more than 32 MB: shorten it. Nothing of its drop was loaded.")


class Buffer:
    """The part of a text that was read and not yet used."""

    def __init__(self, source: io.TextIOBase, text: str) -> None:
        self._source = source
        self.text = text
        self.at = 0

    def read(self) -> bool:
        """Reads on. Returns whether there was anything."""
        more = self._source.read(CHUNK)
        self.text = self.text[self.at :] + more
        self.at = 0
        return more != ""

    def next(self) -> str:
        """The next character that isn't white space; empty at the end."""
        while True:
            found = SPACE.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.read():
                return ""

    def expect(self, character: str) -> None:
        if self.next() != character:
            raise values.NotJson(f"a {character!r} is missing, or the file is truncated")
        self.at += 1
