"""What a patch of dbt is: which symbols it replaces, why, what that gains, and how it is installed."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import textwrap
from dataclasses import dataclass

# Entries of a cache that holds one per template or configuration: a project of 40 models with 160 tests has about 600
# templates and 900 configurations.
CACHED = 8192


@dataclass(frozen=True)
class Symbol:
    """
    A function, method or class of dbt's whose source the engine relies on. `path`: "module:name" or "module:Class.name".
    `source`: the digest of the source that was read when the code that relies on it was written.
    """

    path: str
    source: str

    def resolve(self) -> object:
        """The symbol as it is now."""
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
    """A symbol, and what takes its place."""

    symbol: Symbol
    replacement: object


@dataclass(frozen=True)
class Patch:
    """
    One change of dbt. `gain`: as bench/dbt-patches/measure.py measured it, for two full parses, all unit tests and two builds
    of everything at scale 0.1.
    """

    name: str
    why: str
    gain: str
    replaces: tuple[Replacement, ...] = ()
    # Symbols that are left as they are, and whose behaviour or private state the patch relies on.
    relies_on: tuple[Symbol, ...] = ()

    def install(self) -> None:
        for replaced in self.replaces:
            replaced.symbol.replace(replaced.replacement)


def source_digest(symbol: object) -> str:
    """A digest of a symbol's source, independent of where it is indented to."""
    function = symbol.__func__ if isinstance(symbol, (classmethod, staticmethod)) else symbol
    if not (inspect.isfunction(function) or inspect.isclass(function)):
        raise TypeError(f"{symbol!r} is neither a function nor a class")
    source = textwrap.dedent(inspect.getsource(function))
    return hashlib.sha256(source.encode()).hexdigest()[:16]
