"""Describes a patch of dbt: which symbols it replaces, why, what that gains, and how it is installed."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import textwrap
from dataclasses import dataclass

# The size of caches with one entry per template or configuration: a project with 40 models and 160 tests has about 600 templates
# and 900 configurations.
CACHED = 8192


@dataclass(frozen=True)
class Symbol:
    """
    A function, method or class of dbt that the engine relies on. `path`: "module:name" or "module:Class.name". `source`: the
    digest of the source code that was current when the code that relies on it was written.
    """

    path: str
    source: str

    def resolve(self) -> object:
        """The current value of the symbol."""
        owner, name = self._owner()
        return inspect.getattr_static(owner, name)

    def replace(self, replacement: object) -> None:
        owner, name = self._owner()
        setattr(owner, name, replacement)

    def _owner(self) -> tuple[object, str]:
        module, _, names = self.path.partition(":")
        owner: object = importlib.import_module(module)
        *parents, name = names.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        return owner, name


@dataclass(frozen=True)
class Replacement:
    """A symbol and its replacement."""

    symbol: Symbol
    replacement: object


@dataclass(frozen=True)
class Patch:
    """
    One change of dbt. `gain`: as measured by bench/dbt-patches/measure.py for two full parses, all unit tests and two full
    builds at scale 0.1.
    """

    name: str
    why: str
    gain: str
    replaces: tuple[Replacement, ...] = ()
    # Symbols that are not replaced, but whose behaviour or private state the patch relies on.
    relies_on: tuple[Symbol, ...] = ()

    def install(self) -> None:
        for replaced in self.replaces:
            replaced.symbol.replace(replaced.replacement)


def source_digest(symbol: object) -> str:
    """A digest of a symbol's source, independent of its indentation."""
    function = symbol.__func__ if isinstance(symbol, (classmethod, staticmethod)) else symbol
    if not (inspect.isfunction(function) or inspect.isclass(function)):
        raise TypeError(f"{symbol!r} is neither a function nor a class")
    source = textwrap.dedent(inspect.getsource(function))
    return hashlib.sha256(source.encode()).hexdigest()[:16]
