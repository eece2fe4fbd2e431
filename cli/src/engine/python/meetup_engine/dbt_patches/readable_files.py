"""
Reports unreadable files as problems of the project, with a name and a reason, and opens nothing that could block.

Two of dbt's functions (dbt_common.clients.system) are replaced in the modules that import them:
- `find_matching` doesn't check what it finds: a named pipe is opened, which waits forever for a writer; a dangling link crashes
  dbt; and a folder that can't be listed counts as empty, so its models would be dropped.
- `load_file_contents` doesn't handle errors of the operating system.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterable
from typing import Protocol, TypedDict

from dbt_common.clients.system import load_file_contents
from dbt_common.exceptions import DbtRuntimeError

from meetup_engine.dbt_patches.patch import Patch, Replacement, Symbol

_READERS = (
    "dbt.config.catalogs",
    "dbt.config.profile",
    "dbt.config.project",
    "dbt.config.selectors",
    "dbt.parser.read_files",
)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class _IgnoreSpec(Protocol):
    """The rules of a .dbtignore (a pathspec)."""

    def match_file(self, file: str) -> bool: ...


class Match(TypedDict):
    """A file that dbt found."""

    searched_path: str
    absolute_path: str
    relative_path: str
    modification_time: float


class UnreadableFile(DbtRuntimeError):
    """A file or folder in the project that can't be read. `path` is absolute."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(self.about(path))

    def about(self, name: str) -> str:
        """The message with another name for the file."""
        return f"{name} can't be read: {self.reason}."


def unreadable(error: OSError, path: str | None = None) -> UnreadableFile:
    """Converts an OSError. `path`: the file that was read, since read errors don't contain it."""
    reason = (error.strerror or str(error)).strip()
    return UnreadableFile(path or str(error.filename or "A file"), reason[:1].lower() + reason[1:])


def require_regular(path: str) -> os.stat_result:
    """
    The stat of a file that can be opened without blocking.
    @raises UnreadableFile, or FileNotFoundError if it doesn't exist.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise UnreadableFile(path, "it is a symbolic link to something that does not exist") from error
        raise
    except OSError as error:
        raise unreadable(error, path) from error
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise UnreadableFile(path, f"it is {kind}, not a regular file")
    return found


def find_matching(
    root_path: str, relative_paths_to_search: Iterable[str], file_pattern: str, ignore_spec: _IgnoreSpec | None = None
) -> list[Match]:
    """dbt's function with checks. Like dbt's, it doesn't follow links to folders below the searched ones."""
    matches = re.compile(fnmatch.translate(file_pattern), re.IGNORECASE).match
    root = os.path.normpath(root_path)
    found: list[Match] = []
    for searched in relative_paths_to_search:
        top = os.path.join(root, searched)
        for folder, _, names in os.walk(top, onerror=_refuse_folder):
            for name in filter(matches, names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, top)
                if ignore_spec and ignore_spec.match_file(os.path.join(searched, relative)):
                    continue
                try:
                    modified = require_regular(path).st_mtime
                except FileNotFoundError:
                    continue  # deleted since it was listed
                found.append(
                    {
                        "searched_path": searched,
                        "absolute_path": path,
                        "relative_path": relative,
                        "modification_time": modified,
                    }
                )
    return found


def _refuse_folder(error: OSError) -> None:
    # A configured folder needn't exist, and a listed one may have been deleted.
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise unreadable(error)


def read_text(path: str, strip: bool = True) -> str:
    """dbt's function, except that all errors but a missing file become `UnreadableFile`."""
    require_regular(path)
    try:
        return load_file_contents(path, strip)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(error, path) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(path, f"it is not UTF-8 (byte {error.start})") from error


PATCH = Patch(
    name="readable_files",
    why="dbt waits forever for a named pipe, and treats a folder that can't be listed as empty",
    gain="not speed: unreadable files are reported by name",
    replaces=(
        Replacement(Symbol("dbt.parser.search:find_matching", "a01f7656d81bea8f"), find_matching),
        *(Replacement(Symbol(f"{module}:load_file_contents", "e6b9a1df3df3b117"), read_text) for module in _READERS),
    ),
)
