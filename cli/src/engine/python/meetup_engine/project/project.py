"""One dbt project with one target and one set of variables: its configuration, its adapter and its manifest, kept warm."""

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
from dbt.contracts.files import AnySourceFile, ParseFileType, SchemaSourceFile
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
from meetup_engine.project import spark_comments
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
    from meetup_engine.project.environment import RecordedEnvironment
    from meetup_engine.project.files import Signatures
    from meetup_engine.protocol.messages import RequestDocument, Timings


@dataclass(frozen=True)
class Settings:
    """What a project session is made from; equal settings share one session."""

    project_dir: str
    profiles_dir: str
    target_path: str
    log_path: str
    target: str
    vars: str = "{}"

    def arguments(self) -> list[str]:
        """The command-line arguments that all of dbt's commands get."""
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
        """Where the manifest is saved for the next start: dbt's own name serves one target and one set of variables."""
        variables = hashlib.sha256(self.vars.encode()).hexdigest()[:8]
        return os.path.join(self.target_path, f"partial_parse.{self.target or 'default'}.{variables}.msgpack")


@dataclass
class Parse:
    """What one refresh of the manifest did."""

    kind: str
    ms: Timings = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def begin(flags: Flags, environment: RecordedEnvironment) -> None:
    """What dbt does at the start of each command, without its files and its network."""
    hand_to_dbt(environment)
    set_flags(flags)
    flags.set_common_global_flags()
    events: Any = get_event_manager()
    events.require_warn_or_error_handling = flags.require_all_warnings_handled_by_warn_error
    reset_invocation_id()
    tracking.initialize_from_flags(False, flags.PROFILES_DIR)


NOT_READ = "The project was not read before, or what was read was lost with its engine."


class Project:
    """Keeps configuration, adapter and manifest of one `Settings` in step with the files."""

    # dbt keeps one adapter per type for the whole process: the session that it was made for.
    _adapter_owner: Project | None = None

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._config: RuntimeConfig | None = None
        self._manifest: Manifest | None = None
        self.generation = 0
        self._config_seen: Signatures | None = None
        self._index = FileIndex()
        # Those of the configuration.
        self._base_flags: Flags
        self._flags: LruCache[tuple[str, ...], Flags] = LruCache(64)
        self._graphs: LruCache[Hashable, Graph] = LruCache(8)
        # The database as the last request left it.
        self._left: tuple[int, bytes] | None = None
        # The same, while a request is under way that may open it.
        self._found: tuple[int, bytes] | None = None
        # (database, schema) pairs that are known to be there.
        self.schemas: set[str] = set()
        self._folders: set[str] = set()
        # The environment of the request under way, which brings its own.
        self.environment = apply(None)
        self._given_environment: dict[str, str] | None = None
        # Hashes of the variables that were read: by the configuration, by the parse, and by anything at all.
        self._configured_with: dict[str, str | None] = {}
        self._parsed_with: dict[str, str | None] | None = None
        self._parsed_as: str | None = None
        self._read: dict[str, str | None] = {}
        # dbt's flags as dbt_project.yml and the profile set them.
        self.project_flags: dict[str, object] = {}
        # Whether the database is as this session left it; and what an affected build then need not read again.
        self.untouched = False
        self.snapshot: DatabaseSnapshot | None = None
        # Columns by definition, for unit tests.
        self.unit_columns: tuple[Hashable, dict[str, Columns | None]] | None = None
        # The files whose models' SQL and unit tests are all that was parsed since somebody last asked; None for more than that.
        self.reparsed: frozenset[str] | None = None
        self._dirty: Literal["full", "partial"] | None = None
        self._loader: WarmLoader | None = None
        self._read_from_disk = True

    def flags(self, command: str, arguments: Iterable[str]) -> Flags:
        """dbt's own flags object for a command. Read-only: it is kept for the next one that is the same."""
        words = (command, *self.settings.arguments(), *arguments)
        flags = self._flags.get(words)
        if flags is None:
            flags = Flags(args_to_context(list(words)))
            # --partial-parse-file-path, which the command line refuses for a file that is yet to be made.
            object.__setattr__(flags, "PARTIAL_PARSE_FILE_PATH", self.settings.saved_manifest)
            self._flags.put(words, flags)
        return flags

    def refresh(self, named: Collection[str] = (), full: bool = False) -> Parse:
        """
        Brings the manifest up to date with the files and the environment. After an exception the next refresh starts from
        dbt's saved manifest, so that nothing of a failed parse stays.
        """
        started = time.perf_counter()
        self._apply_environment()
        with recording() as read:
            configured = self._refresh_config()
        if configured:
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
            # What failed before dbt began to work on the manifest has left it as it was.
            if self._manifest is None:
                self._forget_manifest(from_disk=True)
            raise

    def take_environment(self, variables: dict[str, str] | None) -> None:
        """The environment of the request that is served next; None: the engine's own."""
        self._given_environment = variables

    def _apply_environment(self) -> None:
        self.environment = apply(self._given_environment)
        refuse_flags(self.environment)

    def note_read(self, names: Set[str]) -> None:
        """Variables of the environment that something was rendered with, as they are now."""
        for name, value in self.environment.values_of(names - self._read.keys()).items():
            self._read[name] = value

    def _forget_what_read_another_environment(self) -> None:
        """What was rendered with other values of the variables that anything ever read is rendered again."""
        now = self.environment.values_of(self._read.keys())
        if now != self._read:
            self._read = now
            self.generation += 1
            self.reparsed = None

    def _parsed_with_the_same(self) -> bool:
        """Whether the manifest, here or on disk, was parsed with the environment and the configuration of now."""
        if self._manifest is None and self._read_from_disk:
            self._parsed_with, self._parsed_as = self._read_parsed_with()
        if self._parsed_with is None:
            return False
        return self._parsed_as == self._configuration_digest() and self._parsed_with == self.environment.values_of(
            self._parsed_with.keys()
        )

    def _configuration_digest(self) -> str:
        """Of what templates read of the profile, and of dbt's flags; dbt's partial parser looks at a part of that only."""
        parts = [self.config.to_target_dict(), self.project_flags, self._configured_with]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def _read_parsed_with(self) -> tuple[dict[str, str | None] | None, str | None]:
        """What stands beside the saved manifest, where it belongs to it."""
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
        """Every place that the project is read from, and the variables of the environment."""
        packages = os.path.join(self.settings.project_dir, self.config.packages_install_path)
        read = {*self._configured_with, *(self._parsed_with or ()), *self._read, *REFUSED}
        return {
            "folders": sorted(self._folders),
            "files": config_files(self.settings.project_dir, self.settings.profiles_dir, packages),
            "environment": sorted(read),
        }

    def as_read(self) -> Parse:
        """The manifest as the last refresh left it, whatever became of the files since."""
        if self._manifest is None:
            raise DbtRuntimeError(NOT_READ)
        started = time.perf_counter()
        self._apply_environment()
        begin(self._base_flags, self.environment)
        self._claim_adapter()
        return Parse(kind="unchanged", ms={"total": ms_since(started)})

    def run_config(self, flags: Flags) -> RuntimeConfig:
        """The configuration for one command; dbt reads the command's flags from it."""
        config = copy.copy(self.config)
        config.args = flags
        get_adapter(config).config = config
        return config

    def graph(self, add_test_edges: bool, build: Callable[[], Graph]) -> Graph:
        """dbt's graph of the manifest, made again only when nodes or what they depend on changed."""
        structure = structure_of(self.manifest, add_test_edges)
        graph = self._graphs.get(structure)
        if graph is None:
            graph = build()
            self._graphs.put(structure, graph)
        return graph

    def acquire(self) -> None:
        """
        Called before the database is opened. What the last request left in dbt's cache of relations, and the schemas
        that it saw, hold as long as nobody has touched the file since.
        """
        self.untouched = self._left is not None and self._left == self._database_signature()
        if not self.untouched:
            get_adapter(self.config).cache.clear()
            self.schemas = set()
        self._found = self._left if self.untouched else None
        self._left = None

    def release(self, clean: bool = False) -> None:
        """Closes the database that the last request opened. `clean`: every statement of it went through."""
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
                # Nobody opened it, so it is as it was found.
                self._left = self._found
            self._found = None

    def _database_signature(self) -> tuple[int, bytes] | None:
        """
        Each of DuckDB's checkpoints counts on in the file's three headers; and publishing puts another file of the same
        content in the place of this one, so its stat would tell nothing.
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
        """dbt's configuration. Not to be asked for before the first refresh."""
        if self._config is None:
            raise DbtRuntimeError("The project's configuration was not read before.")
        return self._config

    @property
    def manifest(self) -> Manifest:
        """The manifest of the last refresh. Not to be asked for where that failed."""
        if self._manifest is None:
            raise DbtRuntimeError(NOT_READ)
        return self._manifest

    @property
    def has_manifest(self) -> bool:
        return self._manifest is not None

    @property
    def owns_adapter(self) -> bool:
        """Whether dbt's adapter was made for this session."""
        return Project._adapter_owner is self

    def known_files(self) -> list[str]:
        """The project's files by the names that dbt gives them."""
        return [source.path.original_file_path for source in self._index.sources.values()]

    @property
    def unsaved(self) -> bool:
        """Whether a start from dbt's saved manifest would have to parse everything."""
        return self._dirty == "full"

    def write_partial_parse(self) -> None:
        """Saves the manifest for the next start of the engine, if it changed since."""
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
        # dbt_project.yml may hold flags.
        self._flags.clear()
        hand_to_dbt(self.environment)
        flags = self.flags("build", [])
        begin(flags, self.environment)
        variables = flags.VARS
        profile = load_profile(flags.PROJECT_DIR, variables, flags.PROFILE, flags.TARGET, None)
        require_working_database(profile)
        project = load_project(flags.PROJECT_DIR, flags.VERSION_CHECK, profile, variables, validate=True)
        plugins.set_up_plugin_manager(project_name=project.project_name)
        catalogs = load_catalogs(flags.PROJECT_DIR, project.project_name, variables)
        self._base_flags = flags
        self._integrations = [get_active_write_integration(catalog) for catalog in catalogs]
        self._config = RuntimeConfig.from_parts(project, profile, flags)
        self.project_flags = read_project_flags(flags.PROJECT_DIR, flags.PROFILES_DIR).to_dict(omit_none=True)
        self._folders = search_folders(self.config)
        # With the packages, whose folder is known only now.
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
        """Makes dbt's adapter the one of this session."""
        if Project._adapter_owner is self and self.config.credentials.type in FACTORY.adapters:
            return
        reset_adapters()
        self._left = None
        register_adapter(self.config, get_mp_context())
        adapter = get_adapter(self.config)
        adapter.set_macro_context_generator(generate_runtime_macro_context)
        for integration in self._integrations:
            adapter.add_catalog_integration(integration)
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
            narrow = all(
                _is_narrow(source) and _is_narrow(self._index.source(path)) for path, source in modified.items()
            )
            self._index.take(modified)
            reader = IndexReader(self._index)
            parse.files = [os.path.relpath(path, self.settings.project_dir) for path in modified]
        parse.ms["read"] = ms_since(started)
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
            self._note_parsed(modified if warm and parse.kind == "partial" and modified and narrow else None)
            self.generation += 1
            self._dirty = "full" if parse.kind == "full" or self._dirty == "full" else "partial"

    def _finish(self, manifest: Manifest, loader: WarmLoader, warm: bool, macros: bool) -> None:
        """What dbt does after each load, but for what can't have changed since the last one."""
        adapter = get_adapter(self.config)
        if not loader.skip_parsing:
            _check_resource_uniqueness(manifest, self.config)
            if not warm:
                _warn_for_unused_resource_config_paths(manifest, self.config)
        manifest.build_flat_graph()
        spark_comments.escape(manifest.macros.values())
        if warm and not macros and adapter.connections.query_header is not None:
            adapter.set_macro_resolver(manifest)
        else:
            loader.save_macros_to_adapter(adapter)

    def _note_parsed(self, modified: Mapping[str, AnySourceFile] | None) -> None:
        """`modified`: the files, where they hold models' SQL or unit tests and nothing else; None if they hold more."""
        if modified is None:
            self.reparsed = None
        elif self.reparsed is not None:
            self.reparsed |= {source.path.original_file_path for source in modified.values()}

    def _forget_manifest(self, from_disk: bool) -> None:
        self._manifest = None
        self.reparsed = None
        self.generation += 1
        self._read_from_disk = from_disk
        self._index.forget()


def require_working_database(profile: Profile) -> None:
    """
    Refuses a profile that builds into another DuckDB file than the one that `load` fills and `query` reads.
    @raises DbtProfileError: which names both files.
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


def _is_narrow(source: AnySourceFile) -> bool:
    """Whether a file says nothing about any node but the model or the unit tests in it."""
    if source.parse_file_type == ParseFileType.Schema:
        return isinstance(source, SchemaSourceFile) and (source.dict_from_yaml or {}).keys() <= {
            "version",
            "unit_tests",
        }
    return source.parse_file_type == ParseFileType.Model


def check_jinja(sources: Iterable[AnySourceFile]) -> None:
    """
    Raises dbt's own error for a model or test that is no Jinja, before dbt takes the manifest apart to put it in.
    What this compiles is remembered for the parse.
    """
    for source in sources:
        checked = source.parse_file_type in (ParseFileType.Model, ParseFileType.SingularTest)
        if checked and source.path.relative_path.endswith(".sql"):
            get_template(source.contents or "", {}, FileBlock(source))


def settings_from(request: RequestDocument) -> Settings:
    """Reads the settings out of a request of the protocol."""
    return Settings(
        project_dir=os.path.abspath(request["projectDir"]),
        profiles_dir=os.path.abspath(request["profilesDir"]),
        target_path=os.path.abspath(request["targetPath"]),
        log_path=os.path.abspath(request["logPath"]),
        target=request.get("target") or "",
        vars=json.dumps(request.get("vars") or {}, sort_keys=True),
    )
