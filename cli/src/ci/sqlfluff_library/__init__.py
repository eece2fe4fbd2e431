"""
dbt's template context for sqlfluff, which renders models without dbt: each name in this module that doesn't begin with an
underscore is available in templates. Macros are not defined here, because sqlfluff loads those of the project, its packages and
dbt from their files.

sqlfluff imports this module once per process, in the folder of the dbt project.
"""

import datetime as _datetime
import hashlib as _hashlib
import os as _os
import re as _re
from collections.abc import Callable as _Callable

import jinja2 as _jinja2
import yaml as _yaml


def _read_yaml(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            document = _yaml.safe_load(file)
    except (OSError, ValueError, _yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


_project = _read_yaml("dbt_project.yml")
_packages_folder = str(_project.get("packages-install-path", "dbt_packages"))


def _found(context: _jinja2.runtime.Context, name: str) -> _Callable[..., object]:
    """Finds a macro by name, as dbt would dispatch it for DuckDB."""
    for candidate in (f"duckdb__{name}", f"default__{name}", name):
        macro = context.resolve_or_missing(candidate)
        if callable(macro):
            return macro
    raise _jinja2.exceptions.UndefinedError(f"no macro is called {name!r}")


class _Namespace:
    """A package, whose macros are called by `package.macro()`."""

    def __getattr__(self, name: str) -> _Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        @_jinja2.pass_context
        def call(context: _jinja2.runtime.Context, *args: object, **kwargs: object) -> object:
            macro = context.resolve_or_missing(name)
            return (macro if callable(macro) else _found(context, name))(*args, **kwargs)

        return call


class _Adapter:
    """dbt's adapter for an empty database."""

    @staticmethod
    @_jinja2.pass_context
    def dispatch(
        context: _jinja2.runtime.Context, macro_name: str, *_args: object, **_kwargs: object
    ) -> _Callable[..., object]:
        return _found(context, macro_name)

    @staticmethod
    def quote(name: str) -> str:
        return '"' + str(name).replace('"', '""') + '"'

    @staticmethod
    def type() -> str:
        return "duckdb"

    def __getattr__(self, name: str) -> _Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: []


class _Anything:
    """Accepts any attribute; for objects that only matter to dbt itself."""

    def __init__(self, **known: object) -> None:
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> _Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: ""


adapter = _Adapter()
api = _Anything(Column=_Anything(translate_type=lambda name: name))
exceptions = _Anything()
execute = False
flags = _Anything()
invocation_id = "lint"
model = _Anything(name="model", unique_id="model.lint.model")
modules = _Anything(datetime=_datetime, re=_re)
project_name = str(_project.get("name", "project"))
run_started_at = _datetime.datetime(2026, 1, 1, tzinfo=_datetime.timezone.utc)
target = _Anything(name="dev", type="duckdb", schema="main", database="meetup", threads=1)
dbt = _Namespace()

globals().update({project_name: _Namespace()})
if _os.path.isdir(_packages_folder):
    for _folder in _os.listdir(_packages_folder):
        _name = _read_yaml(_os.path.join(_packages_folder, _folder, "dbt_project.yml")).get("name", _folder)
        globals()[str(_name)] = _Namespace()


def env_var(name: str, default: str | None = None) -> str:
    value = _os.environ.get(name)
    return value if value is not None else default if default is not None else name.lower()


def local_md5(text: str) -> str:
    return _hashlib.md5(str(text).encode()).hexdigest()


def log(*_args: object, **_kwargs: object) -> str:
    return ""


def run_query(*_args: object, **_kwargs: object) -> None:
    return None


_known = _project.get("vars")
_variables: dict[str, object] = dict(_known) if isinstance(_known, dict) else {}
_own = _variables.get(project_name)
if isinstance(_own, dict):
    _variables.update(_own)


class _Var:
    """The project's variables; an unknown name returns a text."""

    def __call__(self, name: str, default: object = None) -> object:
        return _variables.get(name, default if default is not None else name)

    @staticmethod
    def has_var(name: str) -> bool:
        return name in _variables


var = _Var()
