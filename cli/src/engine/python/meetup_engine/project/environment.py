"""The environment of one request. Every variable that dbt reads is recorded, and dbt's own flags are kept out.

A request contains its whole environment because an engine may serve several terminals. Jinja's `env_var` reads it through dbt's
invocation context, where `RecordedEnvironment` records the names, including those of variables that aren't set. click would read
dbt's flags from the environment of the process, so they are never set there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import ItemsView, Iterable, Iterator, Mapping

from dbt.cli.main import cli
from dbt.env_vars import KNOWN_ENGINE_ENV_VARS
from dbt_common.constants import ENGINE_ENV_PREFIX
from dbt_common.context import get_invocation_context, set_invocation_context
from dbt_common.exceptions import DbtRuntimeError

# The engine's own environment, for requests without one.
STARTED_WITH: dict[str, str] = dict(os.environ)

# Always set in the engine's process, regardless of the request.
_OWN = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

# dbt's flags that don't affect what is built, without the prefixes DBT_ and DBT_ENGINE_: output, artifacts, and places that are
# always given on the command line. They are silently ignored. All others are refused, so that a flag of a new version of dbt
# can't go unnoticed.
_HARMLESS = frozenset(
    {
        "CACHE_SELECTED_ONLY", "CLEAN_PROJECT_FILES_ONLY", "DEBUG", "DOWNLOAD_DIR", "HOST", "INVOCATION_ENV",
        "LOG_CACHE_EVENTS", "LOG_FILE_MAX_BYTES", "LOG_FORMAT", "LOG_FORMAT_FILE", "LOG_LEVEL", "LOG_LEVEL_FILE",
        "LOG_PATH", "NO_PRINT", "PACKAGE_HUB_URL", "PARTIAL_PARSE", "PARTIAL_PARSE_FILE_DIFF", "POPULATE_CACHE",
        "PRINT", "PRINTER_WIDTH", "PROFILES_DIR", "PROJECT_DIR", "QUIET", "RECORDED_FILE_PATH",
        "SEND_ANONYMOUS_USAGE_STATS", "SHOW_RESOURCE_REPORT", "SINGLE_THREADED", "SQLPARSE", "TARGET_PATH",
        "UPLOAD_TO_ARTIFACTS_INGEST_API", "USE_COLORS", "USE_COLORS_FILE", "WRITE_JSON",
    }
)  # fmt: skip


def _names_of_flags() -> dict[str, str]:
    """Every variable from which dbt's command line reads a flag, with the flag's name without prefix."""
    names = {name for known in KNOWN_ENGINE_ENV_VARS for name in (known.name, known.old_name) if name}
    for command in (cli, *cli.commands.values()):
        for parameter in command.params:
            given = parameter.envvar or ()
            names.update([given] if isinstance(given, str) else given)
    names.update(f"{ENGINE_ENV_PREFIX}_{_bare(name)}" for name in list(names))
    names.update({"DBT_MACRO_DEBUGGING", "DBT_PP_TEST", "DBT_PP_FILE_DIFF_TEST"})
    return {name: _bare(name) for name in names}


def _bare(name: str) -> str:
    return name.removeprefix(f"{ENGINE_ENV_PREFIX}_").removeprefix("DBT_")


FLAGS: dict[str, str] = _names_of_flags()
REFUSED: frozenset[str] = frozenset(name for name, bare in FLAGS.items() if bare not in _HARMLESS)

_listening = threading.local()


class RefusedFlags(DbtRuntimeError):
    """The environment sets dbt flags that may change what is built."""


def _note(name: str) -> None:
    for names in getattr(_listening, "sets", ()):
        names.add(name)


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
    """Collects the names of the variables that this thread reads inside the context."""
    names: set[str] = set()
    _listening.sets = [*getattr(_listening, "sets", ()), names]
    try:
        yield names
    finally:
        _listening.sets = [other for other in _listening.sets if other is not names]


class RecordedEnvironment(Mapping[str, str]):
    """Variables by name; every access is recorded."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    def __getitem__(self, name: str) -> str:
        _note(name)
        return self._variables[name]

    def __contains__(self, name: object) -> bool:
        _note(str(name))
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def items(self) -> ItemsView[str, str]:
        # dbt searches all variables for secrets, which doesn't count as reading each.
        return self._variables.items()

    def values_of(self, names: Iterable[str]) -> dict[str, str | None]:
        """Hashes of the variables' values, None if a variable isn't set; values are never stored in plain text."""
        return {name: _hashed(self._variables.get(name)) for name in sorted(names)}

    def everything(self) -> str:
        """A hash of the whole environment."""
        return _hashed(repr(sorted(self._variables.items()))) or ""


def _hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def apply(variables: Mapping[str, str] | None) -> RecordedEnvironment:
    """Applies a request's environment to this process, without dbt's flags."""
    given = {**(STARTED_WITH if variables is None else variables), **_OWN}
    wanted = {name: value for name, value in given.items() if name not in FLAGS or name in _OWN}
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    return RecordedEnvironment(given)


def hand_to_dbt(environment: RecordedEnvironment) -> None:
    """Makes dbt's `env_var` read this environment."""
    set_invocation_context(dict(environment.items()))
    context = get_invocation_context()
    public = {name: value for name, value in environment.items() if name in context.env}
    context._env = RecordedEnvironment(public)


def refuse_flags(environment: RecordedEnvironment) -> None:
    """@raises RefusedFlags if the environment sets a dbt flag that may change what is built."""
    found = sorted(name for name, value in environment.items() if name in REFUSED and value.strip() != "")
    if found:
        names = " and ".join(found) if len(found) < 3 else ", ".join(found)
        one = len(found) == 1
        raise RefusedFlags(
            f"{names} {'is' if one else 'are'} set in the environment, and would silently change "
            f"what is built: unset {'it' if one else 'them'}, and use meetup's own options or dbt_project.yml instead."
        )
