"""What a node's templates can reach: macros, variables, environment variables, and things that can't be compared.

A macro counts as reached if its name occurs as a word anywhere in a reached text: as a call, as an argument, or in a string
that is passed to `dispatch` or `context`. That is a superset of what dbt calls, except for names that are constructed at run
time; a text that can construct names reaches everything. After a run, the macros that the node really called are compared
with this set (`affected.py`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import jinja2

from meetup_engine.lru_cache import LruCache

_WORD = re.compile(r"[^\W\d]\w*")
# Jinja that looks up macros, variables and functions by a computed name.
_OPAQUE = re.compile(r"\b(context|builtins)\b|\bdispatch\s*\((?!\s*(macro_name\s*=\s*)?['\"])|\|\s*attr\b")
_VARIABLE = re.compile(r"\bvar\b")
_NAMED_VARIABLE = re.compile(r"\bvar\s*\(\s*(['\"])([^'\"\\]+)\1\s*[,)]")
_ENVIRONMENT = re.compile(r"\benv_var\b")
_NAMED_ENVIRONMENT = re.compile(r"\benv_var\s*\(\s*(['\"])([^'\"\\]+)\1\s*[,)]")
# Inputs that no fingerprint can cover: query results, the clock, the current run, the whole graph.
_VOLATILE = re.compile(
    r"\b(run_query|statement|load_result|load_relation|graph|selected_resources|run_started_at|invocation_id"
    r"|invocation_args_dict|dbt_metadata_envs|thread_id|submit_python_job|get_columns_in_query)\b"
    r"|\badapter\b(?!\s*\.\s*(dispatch|quote|quote_as_configured|type|quote_seed_column)\b)"
)
_CLOCK = re.compile(r"\b(now|utcnow|today)\b")
_MODULES = re.compile(r"\bmodules\b")
_LEXER = jinja2.Environment()
_NO_JINJA = frozenset({"data", "comment", "comment_begin", "comment_end", "raw_begin", "raw_end"})


class Macro(Protocol):
    """The part of dbt's macros that is used here."""

    name: str
    package_name: str
    macro_sql: str


@lru_cache(maxsize=16384)
def words_of(text: str) -> frozenset[str]:
    """The names that a text may refer to."""
    return frozenset(base_of(word) for word in _WORD.findall(text))


@lru_cache(maxsize=65536)
def base_of(name: str) -> str:
    """A name without the prefix of `dispatch`: `spark__concat` and `default__concat` become `concat`."""
    parts = [part for part in name.split("__") if part]
    return parts[-1] if parts else name


@lru_cache(maxsize=16384)
def jinja_of(text: str) -> str:
    """The part of a text that Jinja evaluates; the whole text if that is unclear."""
    if "{" not in text:
        return ""
    try:
        return "".join(value for _, kind, value in _LEXER.lex(text) if kind not in _NO_JINJA)
    except jinja2.TemplateError:
        return text


@dataclass(frozen=True)
class Reads:
    """What texts read other than macros."""

    # None: any variable.
    variables: frozenset[str] | None
    environment: frozenset[str]
    # Whether names of environment variables are computed.
    any_environment: bool
    volatile: bool
    opaque: bool


@lru_cache(maxsize=16384)
def _reads_of(text: str) -> tuple[frozenset[str] | None, frozenset[str], bool, bool, bool, bool, bool]:
    text = jinja_of(text)
    opaque = bool(_OPAQUE.search(text))
    named = [match.group(2) for match in _NAMED_VARIABLE.finditer(text)]
    every = opaque or len(named) < len(_VARIABLE.findall(text))
    variables = None if every else frozenset(named)
    in_environment = [match.group(2) for match in _NAMED_ENVIRONMENT.finditer(text)]
    any_environment = opaque or len(in_environment) < len(_ENVIRONMENT.findall(text))
    return (
        variables,
        frozenset(in_environment),
        any_environment,
        bool(_VOLATILE.search(text)),
        bool(_MODULES.search(text)),
        bool(_CLOCK.search(text)),
        opaque,
    )


def reads_of(texts: Iterable[str]) -> Reads:
    """What the texts read, taken together because one may pass a module to another."""
    found = [_reads_of(text) for text in texts]
    sets = [variables for variables, *_ in found]
    return Reads(
        variables=None if any(v is None for v in sets) else frozenset().union(*(v for v in sets if v is not None)),
        environment=frozenset().union(*(names for _, names, *_ in found)),
        any_environment=any(each[2] for each in found),
        volatile=any(each[3] for each in found) or (any(each[4] for each in found) and any(each[5] for each in found)),
        opaque=any(each[6] for each in found),
    )


@dataclass
class Closures:
    """Which macros of the project and its packages a text reaches, including through dbt's macros."""

    own: dict[str, Macro] = field(default_factory=dict)
    _reached: dict[str, frozenset[str]] = field(default_factory=dict)
    _packages: re.Pattern[str] | None = None
    _answers: LruCache[tuple[str, ...], frozenset[str]] = field(default_factory=lambda: LruCache(8192))

    @classmethod
    def of(cls, macros: Mapping[str, Macro], internal: frozenset[str]) -> Closures:
        """`internal`: the packages that come with dbt and its adapters."""
        own = {name: macro for name, macro in macros.items() if macro.package_name not in internal}
        closures = cls(own)
        packages = sorted({re.escape(macro.package_name) for macro in own.values()} | {"dbt"})
        closures._packages = re.compile(rf"\b({'|'.join(packages)})\b\s*(?:\[(?!\s*['\"])|\.\s*(?:get|items|values)\b)")
        closures._reached = _reached_by_base(macros, own)
        return closures

    @classmethod
    def of_unchanged(cls, macros: Mapping[str, Macro], internal: frozenset[str]) -> Closures:
        """Like `of`, but returns the same object as before as long as no macro's text has changed."""
        # Comparing texts is cheap here: those of unchanged macros are the same objects.
        key = (internal, tuple((name, macro.macro_sql) for name, macro in macros.items()))
        closures = _kept.get(key)
        if closures is None:
            closures = cls.of(macros, internal)
            _kept.put(key, closures)
        return closures

    def reached(self, texts: Iterable[str]) -> frozenset[str]:
        """The unique ids of the project's and packages' macros that the texts reach."""
        key = tuple(texts)
        reached = self._answers.get(key)
        if reached is None:
            reached = self._find(key)
            self._answers.put(key, reached)
        return reached

    def _find(self, texts: Iterable[str]) -> frozenset[str]:
        found: set[str] = set()
        for text in texts:
            if self._is_opaque(text):
                return frozenset(self.own)
            for word in words_of(text):
                found |= self._reached.get(word, frozenset())
        if any(self._is_opaque(self.own[name].macro_sql) for name in found):
            return frozenset(self.own)
        return frozenset(found)

    def _is_opaque(self, text: str) -> bool:
        text = jinja_of(text)
        return bool(_OPAQUE.search(text)) or (self._packages is not None and bool(self._packages.search(text)))


# As many as the worker keeps sessions.
_kept: LruCache[Hashable, Closures] = LruCache(3)


def _reached_by_base(macros: Mapping[str, Macro], own: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """For every macro name, the project's and packages' macros that a text with that word reaches."""
    by_base: dict[str, list[str]] = {}
    for unique_id, macro in macros.items():
        by_base.setdefault(base_of(macro.name), []).append(unique_id)
    callers: dict[str, set[str]] = {base: set() for base in by_base}
    for base, members in by_base.items():
        for unique_id in members:
            for word in words_of(macros[unique_id].macro_sql):
                if word in callers:
                    callers[word].add(base)
    reached: dict[str, set[str]] = {base: set() for base in by_base}
    for unique_id in own:
        pending, seen = [base_of(macros[unique_id].name)], set()
        while pending:
            base = pending.pop()
            if base not in seen:
                seen.add(base)
                reached[base].add(unique_id)
                pending.extend(callers[base])
    return {base: frozenset(names) for base, names in reached.items() if names}
