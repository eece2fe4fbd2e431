"""Finds the project's files that changed since they were last read, by their stat instead of their content.

dbt reads and hashes every file of the project and of its own packages at each parse. Here, a file is only read again if its
size, times or inode changed, or if the caller names it.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from dbt.adapters.factory import get_adapter_package_names
from dbt.contracts.files import AnySourceFile, FilePath, ParseFileType, SchemaSourceFile
from dbt.parser.read_files import (
    ReadFilesFromFileSystem,
    get_file_types_for_project,
    load_seed_source_file,
    load_source_file,
)

if TYPE_CHECKING:
    from dbt.config.project import Project as DbtProject
    from dbt.config.runtime import RuntimeConfig

# Equal signatures mean an unchanged file. None: unknown; a string: not a regular file.
Signature = tuple[int, ...] | str | None
Signatures = dict[str, Signature]

# File systems have coarse clocks, so a file that was modified this recently may be written again without a change of its stat.
# Its signature isn't trusted at the next scan. Git does the same ("racy" entries).
RACY_NS = 50_000_000

CONFIG_FILES = (
    "dbt_project.yml",
    "packages.yml",
    "dependencies.yml",
    "package-lock.yml",
    "selectors.yml",
    "catalogs.yml",
    ".dbtignore",
)


def signature(stat: os.stat_result, now_ns: int) -> tuple[int, ...] | None:
    """A file's signature; None if it was modified too recently."""
    if now_ns - max(stat.st_mtime_ns, stat.st_ctime_ns) < RACY_NS:
        return None
    # Tools that copy files can set mtime back, but never ctime.
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


# Names of files that dbt reads, without hidden files and leftovers of editors.
_READ_BY_DBT = re.compile(r"[^.#~].*\.(sql|py|csv|md|yml|yaml)", re.IGNORECASE)


def signature_of(stat: os.stat_result) -> tuple[int, ...] | None:
    """The signature of a file on disk."""
    return signature(stat, time.time_ns())


def scan(folders: Iterable[str]) -> Signatures:
    """
    The signature of every file below the folders, by absolute path. Entries that only look like a file (a pipe, a dangling
    link) are included, so that they don't go unnoticed.
    @raises OSError if a folder can't be listed.
    """
    now_ns = time.time_ns()
    found: Signatures = {}
    pending = list(folders)
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        # Like os.walk, which dbt uses: links to files are read, links to folders aren't followed.
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                        elif not _READ_BY_DBT.fullmatch(entry.name):
                            continue
                        elif _is_file(entry):
                            found[entry.path] = signature(entry.stat(), now_ns)
                        elif not entry.is_dir():
                            found[entry.path] = "not a file"
                    except FileNotFoundError:
                        continue
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # for example a link to itself


def config_files(project_dir: str, profiles_dir: str, packages_dir: str | None = None) -> list[str]:
    """The files that the configuration is read from, including those of installed packages."""
    paths = [os.path.join(project_dir, name) for name in CONFIG_FILES]
    paths.append(os.path.join(profiles_dir, "profiles.yml"))
    if packages_dir is not None:
        paths.append(packages_dir)
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(packages_dir)):
                paths += [os.path.join(packages_dir, name, file) for file in ("dbt_project.yml", ".dbtignore")]
    return paths


def stat_config(project_dir: str, profiles_dir: str, packages_dir: str | None = None) -> Signatures:
    """The signatures of the files that the configuration is read from."""
    now_ns = time.time_ns()
    found: Signatures = {}
    for path in config_files(project_dir, profiles_dir, packages_dir):
        try:
            found[path] = signature(os.stat(path), now_ns)
        except (FileNotFoundError, NotADirectoryError):
            found[path] = "absent"
    return found


def same_config(before: Signatures, after: Signatures) -> bool:
    return before == after and None not in after.values()


def search_folders(config: RuntimeConfig) -> set[str]:
    """Exactly the folders that dbt searches for files of the project and its packages."""
    folders: set[str] = set()
    for project in [config, *installed_packages(config).values()]:
        root = os.path.normpath(project.project_root)
        for file_type in get_file_types_for_project(project).values():
            folders.update(os.path.normpath(os.path.join(root, path)) for path in file_type["paths"])
    return folders


def outermost_of(folders: Iterable[str]) -> list[str]:
    """The folders that aren't inside another one."""
    outermost: list[str] = []
    for folder in sorted(folders):
        if not any(folder == kept or folder.startswith(kept.rstrip(os.sep) + os.sep) for kept in outermost):
            outermost.append(folder)
    return outermost


def installed_packages(config: RuntimeConfig) -> dict[str, RuntimeConfig]:
    """The installed packages by name, without those that come with dbt and its adapters."""
    internal = set(get_adapter_package_names(config.credentials.type))
    return {
        name: project
        for name, project in config.load_dependencies().items()
        if project is not config and name not in internal
    }


def pristine(source_file: AnySourceFile) -> AnySourceFile:
    """A copy of a file object without anything that parsing adds."""
    kind = type(source_file)
    copied = kind(
        path=source_file.path,
        checksum=source_file.checksum,
        project_name=source_file.project_name,
        parse_file_type=source_file.parse_file_type,
        contents=source_file.contents,
    )
    if isinstance(source_file, SchemaSourceFile) and isinstance(copied, SchemaSourceFile):
        copied.dfy = source_file.dfy
    return copied


@dataclass
class Change:
    """The result of scanning the folders."""

    modified: list[str] = field(default_factory=list)
    structural: bool = False

    @property
    def nothing(self) -> bool:
        return not self.modified and not self.structural


class Reader(Protocol):
    """The interface through which dbt's loader reads files."""

    files: MutableMapping[str, AnySourceFile]
    project_parser_files: dict[str, Any]

    def read_files(self) -> None: ...


class FileIndex:
    """The project's files as they were last read."""

    def __init__(self) -> None:
        self.signatures: Signatures | None = None
        self.sources: dict[str, AnySourceFile] = {}
        self.parser_files: dict[str, Any] = {}
        self.file_ids: dict[str, str] = {}

    def forget(self) -> None:
        """Makes the next scan read everything again."""
        self.signatures = None

    def look(self, folders: Iterable[str], named: Collection[str]) -> tuple[Change, Signatures]:
        """Compares the folders with the last scan. Returns the change and the new signatures."""
        now = scan(folders)
        if self.signatures is None:
            return Change(structural=True), now
        change = Change()
        for path, seen in now.items():
            if path not in self.signatures:
                change.structural = True
            elif seen is None or self.signatures[path] != seen or path in named:
                change.modified.append(path)
        if len(self.signatures) > len(now) or any(path not in now for path in self.signatures):
            change.structural = True
        return change, now

    def is_macro(self, path: str) -> bool:
        """Whether a file may contain macros, which includes unknown files."""
        source = self.sources.get(self.file_ids.get(path, ""))
        return source is None or source.parse_file_type in (ParseFileType.Macro, ParseFileType.GenericTest)

    def list_all(
        self,
        all_projects: Mapping[str, RuntimeConfig],
        root_name: str,
        files: MutableMapping[str, AnySourceFile],
        saved_files: MutableMapping[str, AnySourceFile],
    ) -> Reader:
        """Lets dbt list and read the root project; dbt's own packages are only read once."""
        reader = _RootReader(all_projects, self, root_name, files, saved_files)
        reader.read_files()
        self.sources = {file_id: pristine(source) for file_id, source in reader.files.items()}
        self.parser_files = reader.project_parser_files
        internal = reader.internal
        self.file_ids = {
            os.path.normpath(source.path.absolute_path): file_id
            for file_id, source in self.sources.items()
            if source.project_name not in internal
        }
        return reader

    def unchanged(self, files: Mapping[str, AnySourceFile], signatures: Signatures) -> dict[str, AnySourceFile]:
        """The ids of those files that haven't changed since they were last read."""
        before = self.signatures or {}
        same = {
            self.file_ids.get(path)
            for path, seen in signatures.items()
            if seen is not None and before.get(path) == seen
        }
        return {file_id: source for file_id, source in files.items() if file_id in same}

    def reread(self, paths: Iterable[str]) -> dict[str, AnySourceFile] | None:
        """
        Reads the named files again, as dbt would. Returns those with new content, by path, without files that dbt doesn't know.
        None if a file has been deleted in the meantime, so that the folders must be listed again.
        """
        fresh: dict[str, AnySourceFile] = {}
        for path in paths:
            file_id = self.file_ids.get(path)
            if file_id is None:
                continue
            old = self.sources[file_id]
            if not isinstance(old.path, FilePath) or old.parse_file_type is None:
                continue
            project_name = old.project_name or ""
            at = replace(old.path, modification_time=0.0)
            try:
                source: AnySourceFile | None
                at.modification_time = os.path.getmtime(path)
                if old.parse_file_type == ParseFileType.Seed:
                    source = load_seed_source_file(at, project_name)
                else:
                    source = load_source_file(at, old.parse_file_type, project_name, {})
            except FileNotFoundError:
                return None
            if source is not None and source.checksum != old.checksum:
                fresh[path] = source
        return fresh

    def source(self, path: str) -> AnySourceFile:
        """The file as last read."""
        return self.sources[self.file_ids[path]]

    def take(self, fresh: Mapping[str, AnySourceFile]) -> None:
        """Replaces files by those that `reread` returned."""
        for path, source in fresh.items():
            self.sources[self.file_ids[path]] = source


class _RootReader(ReadFilesFromFileSystem):
    """dbt's reader, except that packages that come with dbt are taken from the index once they have been read."""

    def __init__(
        self,
        all_projects: Mapping[str, RuntimeConfig],
        index: FileIndex,
        root_name: str,
        files: MutableMapping[str, AnySourceFile],
        saved_files: MutableMapping[str, AnySourceFile],
    ) -> None:
        super().__init__(all_projects=all_projects, files=files, saved_files=saved_files)
        self._index = index
        self.internal = set(get_adapter_package_names(all_projects[root_name].credentials.type))

    def read_files_for_project(self, project: DbtProject, file_types: Any) -> None:  # noqa: ANN401 - as dbt has it
        name = project.project_name
        if name not in self.internal or name not in self._index.parser_files:
            super().read_files_for_project(project, file_types)
            return
        self.project_parser_files[name] = self._index.parser_files[name]
        for file_id, source in self._index.sources.items():
            if source.project_name == name:
                self.files[file_id] = pristine(source)


class IndexReader:
    """Passes the index to dbt's loader as if it had read the file system."""

    def __init__(self, index: FileIndex) -> None:
        self.files: MutableMapping[str, AnySourceFile] = dict(index.sources)
        self.project_parser_files = index.parser_files

    def read_files(self) -> None:
        """Nothing to do: all files have been read."""
