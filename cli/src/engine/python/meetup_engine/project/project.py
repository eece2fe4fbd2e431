"""One dbt project with one target and one set of variables: configuration, adapter and manifest, kept in memory."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dbt.adapters.factory import FACTORY, get_adapter, register_adapter, reset_adapters
from dbt.cli.flags import Flags, args_to_context
from dbt.config.catalogs import get_active_write_integration, load_catalogs
from dbt.config.project import read_project_flags
from dbt.config.runtime import RuntimeConfig, load_profile, load_project
from dbt.context.providers import generate_runtime_macro_context
from dbt.contracts.files import AnySourceFile, ParseFileType
from dbt.exceptions import DbtProfileError
from dbt.flags import set_flags
from dbt.mp_context import get_mp_context
from dbt.parser.manifest import _check_resource_uniqueness, _warn_for_unused_resource_config_paths
from dbt.parser.search import FileBlock
from dbt_common.clients.jinja import get_template
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import reset_invocation_id

from dbt import plugins, tracking
from meetup_engine.dbt_patches import name_contexts
from meetup_engine.lru_cache import LruCache
from meetup_engine.project import prefixed, spark_comments, sql_edits
from meetup_engine.project.elsewhere import elsewhere
from meetup_engine.project.environment import REFUSED, apply, hand_to_dbt, recording, refuse_flags
from meetup_engine.project.files import (
    FileIndex,
    IndexReader,
    config_files,
    outermost_of,
    same_config,
    search_folders,
    stat_config,
)
from meetup_engine.project.graph_structure import structure_of
from meetup_engine.project.loader import FullParseNeeded, WarmLoader
from meetup_engine.timing import ms_since

if TYPE_CHECKING:
    from dbt.config.profile import Profile
    from dbt.contracts.graph.manifest import Manifest
    from dbt.graph.graph import Graph

    from meetup_engine.build.contents import Columns
    from meetup_engine.build.node_states import DatabaseSnapshot
    from meetup_engine.build.settled import Settled
    from meetup_engine.project.environment import RecordedEnvironment
    from meetup_engine.project.files import Signatures
    from meetup_engine.protocol.messages import RequestDocument, Timings


@dataclass(frozen=True)
class Settings:
    """The settings of a project session; equal settings share one session."""

    project_dir: str
    profiles_dir: str
    target_path: str
    log_path: str
    target: str
    vars: str = "{}"
    # Of all schemas: see `prefixed.py`.
    schema_prefix: str = ""

    def arguments(self) -> list[str]:
        """The command-line arguments for all dbt commands."""
        given = [
            "--project-dir", self.project_dir,
            "--profiles-dir", self.profiles_dir,
            "--target-path", self.target_path,
            "--log-path", self.log_path,
            "--vars", self.vars,
            "--no-send-anonymous-usage-stats",
            "--no-use-colors",
            "--no-version-check",
            "--quiet",
        ]  # fmt: skip
        return [*given, "--target", self.target] if self.target else given

    @property
    def saved_manifest(self) -> str:
        """Where the manifest is saved for the next start. dbt's own file name doesn't distinguish targets and variables."""
        variables = hashlib.sha256(f"{self.vars}{self.schema_prefix}".encode()).hexdigest()[:8]
        return os.path.join(self.target_path, f"partial_parse.{self.target or 'default'}.{variables}.msgpack")


@dataclass
class Parse:
    """The outcome of refreshing the manifest."""

    kind: str
    ms: Timings = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def begin(flags: Flags, environment: RecordedEnvironment) -> None:
    """What dbt does at the start of each command, without writing files or using the network."""
    hand_to_dbt(environment)
    set_flags(flags)
    flags.set_common_global_flags()
    events: Any = get_event_manager()
    events.require_warn_or_error_handling = flags.require_all_warnings_handled_by_warn_error
    reset_invocation_id()
    tracking.initialize_from_flags(False, flags.PROFILES_DIR)


NOT_READ = "The project has not been parsed yet, or the engine that parsed it has ended."


class Project:
    """Keeps configuration, adapter and manifest for one `Settings` up to date with the files."""

    # dbt keeps one adapter per type for the whole process. This is the session that it was created for.
    _adapter_owner: Project | None = None

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._config: RuntimeConfig | None = None
        self._manifest: Manifest | None = None
        self.generation = 0
        self._elsewhere: tuple[int, Mapping[str, str]] | None = None
        self._config_seen: Signatures | None = None
        self._index = FileIndex()
        # The flags that the configuration was loaded with.
        self._base_flags: Flags
        self._flags: LruCache[tuple[str, ...], Flags] = LruCache(64)
        self._graphs: LruCache[Hashable, Graph] = LruCache(8)
        # The signature of the database after the last request.
        self._left: tuple[int, bytes] | None = None
        # The signature of the database before the current request, which may open it.
        self._found: tuple[int, bytes] | None = None
        # (database, schema) pairs that are known to exist.
        self.schemas: set[str] = set()
        self._folders: set[str] = set()
        # The environment of the current request.
        self.environment = apply(None)
        self._given_environment: dict[str, str] | None = None
        # Hashes of the variables that were read: by the configuration, by the parse, and in total.
        self._configured_with: dict[str, str | None] = {}
        self._parsed_with: dict[str, str | None] | None = None
        self._parsed_as: str | None = None
        self._read: dict[str, str | None] = {}
        # dbt's flags from dbt_project.yml and the profile.
        self.project_flags: dict[str, object] = {}
        # Whether the database is unchanged since this session's last build; if so, `snapshot` is still valid.
        self.untouched = False
        self.snapshot: DatabaseSnapshot | None = None
        # What the last build left up to date.
        self.settled: Settled | None = None
        # Counts the parses, each of which may change any node. An edit that is applied without one changes the SQL of models alone.
        self.parses = 0
        # Columns for unit tests by unique id, each with a hash of what determines them.
        self.unit_columns: dict[str, tuple[str, Columns | None]] = {}
        # Whether the configuration, the environment or the whole manifest has been read again since the fingerprints were made.
        self.reconfigured = True
        self._dirty: Literal["full", "partial"] | None = None
        self._loader: WarmLoader | None = None
        self._read_from_disk = True

    def flags(self, command: str, arguments: Iterable[str]) -> Flags:
        """dbt's flags object for a command, such as `build` or `source freshness`. Don't modify it: it is cached."""
        words = (*command.split(), *self.settings.arguments(), *arguments)
        flags = self._flags.get(words)
        if flags is None:
            flags = Flags(args_to_context(list(words)))
            # Like --partial-parse-file-path, which the command line only accepts for existing files.
            object.__setattr__(flags, "PARTIAL_PARSE_FILE_PATH", self.settings.saved_manifest)
            self._flags.put(words, flags)
        return flags

    def refresh(self, named: Collection[str] = (), full: bool = False) -> Parse:
        """
        Updates the manifest from the files and the environment. After an exception, the next refresh starts from dbt's saved
        manifest, so that nothing of a failed parse remains.
        """
        started = time.perf_counter()
        self._apply_environment()
        with recording() as read:
            configured = self._refresh_config()
        if configured:
            self.reconfigured = True
            self._configured_with = self.environment.values_of(read)
        self._claim_adapter()
        parse = Parse(kind="unchanged")
        parse.ms["config"] = ms_since(started)
        if full or not self._parsed_with_the_same():
            self._forget_manifest(from_disk=False)
        with recording() as read:
            self._bring_up_to_date(parse, configured, named)
        if parse.kind != "unchanged" or self._parsed_with is None:
            before = self._parsed_with if parse.kind != "full" and self._parsed_with is not None else {}
            self._parsed_with = {**before, **self.environment.values_of(read)}
            self._parsed_as = self._configuration_digest()
        self._forget_what_read_another_environment()
        parse.ms["total"] = ms_since(started)
        return parse

    def _bring_up_to_date(self, parse: Parse, configured: bool, named: Collection[str]) -> None:
        try:
            self._refresh_manifest(parse, configured, {os.path.realpath(path) for path in named} | set(named))
        except FullParseNeeded:
            self._forget_manifest(from_disk=False)
            self._refresh_manifest(parse, configured, set())
        except BaseException:
            # If the error occurred before dbt started to modify the manifest, it is still valid.
            if self._manifest is None:
                self._forget_manifest(from_disk=True)
            raise

    def take_environment(self, variables: dict[str, str] | None) -> None:
        """Sets the environment for the next request; None: the engine's own."""
        self._given_environment = variables

    def _apply_environment(self) -> None:
        self.environment = apply(self._given_environment)
        refuse_flags(self.environment)

    def note_read(self, names: Set[str]) -> None:
        """Records environment variables that were read for rendering, with their current values."""
        for name, value in self.environment.values_of(names - self._read.keys()).items():
            self._read[name] = value

    def _forget_what_read_another_environment(self) -> None:
        """Clears everything that was rendered if any variable that was ever read has another value."""
        now = self.environment.values_of(self._read.keys())
        if now != self._read:
            self._read = now
            self.generation += 1
            self.reconfigured = True

    def _parsed_with_the_same(self) -> bool:
        """Whether the manifest, in memory or on disk, was parsed with the current environment and configuration."""
        if self._manifest is None and self._read_from_disk:
            self._parsed_with, self._parsed_as = self._read_parsed_with()
        if self._parsed_with is None:
            return False
        return self._parsed_as == self._configuration_digest() and self._parsed_with == self.environment.values_of(
            self._parsed_with.keys()
        )

    def _configuration_digest(self) -> str:
        """A digest of dbt's flags and of what templates read of the profile, some of which dbt's partial parser ignores."""
        parts = [self.config.to_target_dict(), self.project_flags, self._configured_with]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def _read_parsed_with(self) -> tuple[dict[str, str | None] | None, str | None]:
        """Reads the inputs of the saved manifest's parse, if they belong to it."""
        try:
            with open(f"{self.settings.saved_manifest}.json", encoding="utf-8") as file:
                saved = json.load(file)
            stat = os.stat(self.settings.saved_manifest)
            if saved["of"] == [stat.st_mtime_ns, stat.st_size]:
                return saved["environment"], saved["configuration"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None, None

    def inputs(self) -> dict[str, list[str]]:
        """Every file and folder that the project is read from, and the environment variables that it reads."""
        packages = os.path.join(self.settings.project_dir, self.config.packages_install_path)
        read = {*self._configured_with, *(self._parsed_with or ()), *self._read, *REFUSED}
        return {
            "folders": sorted(self._folders),
            "files": config_files(self.settings.project_dir, self.settings.profiles_dir, packages),
            "environment": sorted(read),
        }

    def as_read(self) -> Parse:
        """The manifest as of the last refresh, even if files have changed since."""
        if self._manifest is None:
            raise DbtRuntimeError(NOT_READ)
        started = time.perf_counter()
        self._apply_environment()
        begin(self._base_flags, self.environment)
        self._claim_adapter()
        return Parse(kind="unchanged", ms={"total": ms_since(started)})

    def run_config(self, flags: Flags) -> RuntimeConfig:
        """The configuration for one command, from which dbt reads the command's flags."""
        config = copy.copy(self.config)
        config.args = flags
        # dbt applies this flag when it reads the profile, which happens once for all commands.
        config.threads = getattr(flags, "THREADS", None) or config.threads
        get_adapter(config).config = config
        return config

    def elsewhere(self) -> Mapping[str, str]:
        """What another engine than this target's has to run, and why, by unique id."""
        if self._elsewhere is None or self._elsewhere[0] != self.generation:
            self._elsewhere = (self.generation, elsewhere(self.manifest, self.config.credentials.type))
        return self._elsewhere[1]

    def graph(self, add_test_edges: bool, build: Callable[[], Graph]) -> Graph:
        """dbt's graph of the manifest, cached until nodes or dependencies change."""
        structure = structure_of(self.manifest, add_test_edges)
        graph = self._graphs.get(structure)
        if graph is None:
            graph = build()
            self._graphs.put(structure, graph)
        return graph

    def acquire(self) -> None:
        """
        Called before the database is opened. dbt's relation cache and the list of schemas from the last request remain valid as
        long as nobody has changed the file.
        """
        self.untouched = self._left is not None and self._left == self._database_signature()
        if not self.untouched:
            get_adapter(self.config).cache.clear()
            self.schemas = set()
        self._found = self._left if self.untouched else None
        self._left = None

    def release(self, clean: bool = False) -> None:
        """Closes the database that the last request opened. `clean`: all of its statements succeeded."""
        if self._config is None or Project._adapter_owner is not self:
            return
        get_adapter(self.config).cleanup_connections()
        if self.config.credentials.type == "duckdb":
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            environment = DuckDBConnectionManager._ENV
            if environment is not None:
                DuckDBConnectionManager.close_all_connections()
                environment.close()
                self._left = self._database_signature() if clean else None
            elif self._left is None:
                # The request didn't open it, so it is unchanged.
                self._left = self._found
            self._found = None

    def _database_signature(self) -> tuple[int, bytes] | None:
        """
        Identifies the state of the database file by its three headers, in which DuckDB increments a counter at each checkpoint.
        Its stat wouldn't do, because publishing replaces the file by another one with the same content.
        """
        path = getattr(self.config.credentials, "path", None)
        if self.config.credentials.type != "duckdb" or not path or os.path.exists(f"{path}.wal"):
            return None
        try:
            with open(path, "rb") as file:
                return (os.fstat(file.fileno()).st_size, file.read(3 * 4096))
        except OSError:
            return None

    @property
    def config(self) -> RuntimeConfig:
        """dbt's configuration. Available after the first refresh."""
        if self._config is None:
            raise DbtRuntimeError("The project's configuration has not been read yet.")
        return self._config

    @property
    def manifest(self) -> Manifest:
        """The manifest of the last refresh. Available if that succeeded."""
        if self._manifest is None:
            raise DbtRuntimeError(NOT_READ)
        return self._manifest

    @property
    def has_manifest(self) -> bool:
        return self._manifest is not None

    @property
    def owns_adapter(self) -> bool:
        """Whether dbt's adapter was created for this session."""
        return Project._adapter_owner is self

    def known_files(self) -> list[str]:
        """The project's files by dbt's file ids."""
        return [source.path.original_file_path for source in self._index.sources.values()]

    @property
    def unsaved(self) -> bool:
        """Whether the engine's next start would have to parse everything."""
        return self._dirty == "full"

    def write_partial_parse(self) -> None:
        """Saves the manifest for the engine's next start, if it has changed since the last time."""
        if self._dirty and self._loader is not None and self._manifest is not None:
            self._dirty = None
            given = {"environment": self._parsed_with, "configuration": self._parsed_as}
            self._loader.write_to(self.settings.saved_manifest, given)

    def _refresh_config(self) -> bool:
        seen = self._stat_config()
        read_the_same = self._configured_with == self.environment.values_of(self._configured_with.keys())
        if (
            self._config is not None
            and self._config_seen is not None
            and same_config(self._config_seen, seen)
            and read_the_same
        ):
            begin(self._base_flags, self.environment)
            return False
        self._config_seen = None
        # dbt_project.yml may contain flags.
        self._flags.clear()
        hand_to_dbt(self.environment)
        flags = self.flags("build", [])
        begin(flags, self.environment)
        variables = flags.VARS
        profile = load_profile(flags.PROJECT_DIR, variables, flags.PROFILE, flags.TARGET, None)
        require_working_database(profile)
        if self.settings.schema_prefix:
            profile.credentials.schema = prefixed.with_prefix(profile.credentials.schema, self.settings.schema_prefix)
        project = load_project(flags.PROJECT_DIR, flags.VERSION_CHECK, profile, variables, validate=True)
        plugins.set_up_plugin_manager(project_name=project.project_name)
        catalogs = load_catalogs(flags.PROJECT_DIR, project.project_name, variables)
        self._base_flags = flags
        self._integrations = [get_active_write_integration(catalog) for catalog in catalogs]
        self._config = RuntimeConfig.from_parts(project, profile, flags)
        self.project_flags = read_project_flags(flags.PROJECT_DIR, flags.PROFILES_DIR).to_dict(omit_none=True)
        self._folders = search_folders(self.config)
        # Now with the packages, whose folder wasn't known before.
        self._config_seen = self._stat_config()
        if {path: mark for path, mark in self._config_seen.items() if path in seen} != seen:
            self._config_seen = None
        Project._adapter_owner = None
        return True

    def _stat_config(self) -> Signatures:
        packages = (
            None if self._config is None else os.path.join(self.settings.project_dir, self.config.packages_install_path)
        )
        return stat_config(self.settings.project_dir, self.settings.profiles_dir, packages)

    def _claim_adapter(self) -> None:
        """Creates dbt's adapter for this session."""
        if Project._adapter_owner is self and self.config.credentials.type in FACTORY.adapters:
            return
        reset_adapters()
        self._left = None
        register_adapter(self.config, get_mp_context())
        adapter = get_adapter(self.config)
        adapter.set_macro_context_generator(generate_runtime_macro_context)
        for integration in self._integrations:
            adapter.add_catalog_integration(integration)
        if self.settings.schema_prefix:
            prefixed.guard(adapter, self.settings.schema_prefix)
        if self._manifest is not None and self._loader is not None:
            self._loader.save_macros_to_adapter(adapter)
        Project._adapter_owner = self

    def _refresh_manifest(self, parse: Parse, configured: bool, named: Set[str]) -> None:
        started = time.perf_counter()
        change, signatures = self._index.look(outermost_of(self._folders), named)
        parse.ms["scan"] = ms_since(started)
        if self._manifest is not None and not configured and change.nothing:
            return
        started = time.perf_counter()
        projects = self.config.load_dependencies()
        warm = self._manifest is not None and not configured
        modified = None
        if warm and not change.structural:
            modified = self._index.reread(change.modified)
            parse.ms["read"] = ms_since(started)
            if modified == {}:
                self._index.signatures = signatures
                return
        if modified is None:
            saved_files = self._index.unchanged(self._manifest.files, signatures) if self._manifest is not None else {}
            reader = self._index.list_all(projects, self.config.project_name, {}, saved_files)
            if self._manifest is not None or self._read_from_disk:
                reader = IndexReader(self._index)
        else:
            check_jinja(modified.values())
            self._index.take(modified)
            reader = IndexReader(self._index)
            parse.files = [os.path.relpath(path, self.settings.project_dir) for path in modified]
        parse.ms["read"] = ms_since(started)
        if modified and warm and self._apply_edits(modified.values()):
            parse.kind = "partial"
            self._index.signatures = signatures
            return
        started = time.perf_counter()
        macros = modified is None or any(self._index.is_macro(path) for path in modified)
        if macros or not warm:
            name_contexts.macros_changed()
        loader = WarmLoader(
            self.config,
            projects,
            get_adapter(self.config).connections.set_query_header,
            reader=reader,
            kept=self._manifest,
            from_disk=self._read_from_disk,
        )
        self._manifest = None
        self.parses += 1
        manifest = loader.load()
        parse.ms["load"] = ms_since(started)
        started = time.perf_counter()
        parse.kind = "unchanged" if loader.skip_parsing else "partial" if loader.partially_parsing else "full"
        self._finish(manifest, loader, warm=warm and parse.kind != "full", macros=macros)
        parse.ms["finish"] = ms_since(started)
        self._manifest = manifest
        self._loader = loader
        self._index.signatures = signatures
        self._read_from_disk = True
        if not loader.skip_parsing:
            self.reconfigured = self.reconfigured or not warm or parse.kind == "full"
            self.generation += 1
            self._dirty = "full" if parse.kind == "full" or self._dirty == "full" else "partial"

    def _apply_edits(self, edited: Collection[AnySourceFile]) -> bool:
        """Takes over edits of SQL without parsing, if they touch no Jinja."""
        if not sql_edits.apply(self.manifest, edited, self.config.credentials.type):
            return False
        self.manifest.build_flat_graph()
        self.generation += 1
        self._dirty = self._dirty or "partial"
        return True

    def _finish(self, manifest: Manifest, loader: WarmLoader, warm: bool, macros: bool) -> None:
        """What dbt does after each load, except for what can't have changed since the last one."""
        adapter = get_adapter(self.config)
        if not loader.skip_parsing:
            _check_resource_uniqueness(manifest, self.config)
            if not warm:
                _warn_for_unused_resource_config_paths(manifest, self.config)
        if self.settings.schema_prefix:
            prefixed.move(manifest, self.settings.schema_prefix, self.config, adapter)
        manifest.build_flat_graph()
        spark_comments.escape(manifest.macros.values())
        if warm and not macros and adapter.connections.query_header is not None:
            adapter.set_macro_resolver(manifest)
        else:
            loader.save_macros_to_adapter(adapter)

    def _forget_manifest(self, from_disk: bool) -> None:
        self._manifest = None
        self.parses += 1
        self.reconfigured = True
        self.generation += 1
        self._read_from_disk = from_disk
        self._index.forget()


def require_working_database(profile: Profile) -> None:
    """
    Refuses a profile with another DuckDB file than the one that `load` writes and `query` reads.
    @raises DbtProfileError with the names of both files.
    """
    expected = os.environ.get("MEETUP_DUCKDB_PATH")
    if profile.credentials.type != "duckdb" or not expected:
        return
    path = str(getattr(profile.credentials, "path", ""))
    if path != ":memory:" and os.path.realpath(path) == os.path.realpath(expected):
        return
    raise DbtProfileError(
        f"The target '{profile.target_name}' of profiles.yml builds into {path}, but meetup loads into {expected} and publishes "
        "from there: set path: \"{{ env_var('MEETUP_DUCKDB_PATH') }}\" there, and choose the folder with --state-dir."
    )


def check_jinja(sources: Iterable[AnySourceFile]) -> None:
    """
    Raises dbt's error for a model or test with invalid Jinja before dbt starts to modify the manifest. The compiled template
    is cached for the parse.
    """
    for source in sources:
        checked = source.parse_file_type in (ParseFileType.Model, ParseFileType.SingularTest)
        if checked and source.path.relative_path.endswith(".sql"):
            get_template(source.contents or "", {}, FileBlock(source))


def settings_from(request: RequestDocument) -> Settings:
    """Reads the settings from a request."""
    return Settings(
        project_dir=os.path.abspath(request["projectDir"]),
        profiles_dir=os.path.abspath(request["profilesDir"]),
        target_path=os.path.abspath(request["targetPath"]),
        log_path=os.path.abspath(request["logPath"]),
        target=request.get("target") or "",
        vars=json.dumps(request.get("vars") or {}, sort_keys=True),
        schema_prefix=request.get("schemaPrefix") or "",
    )
