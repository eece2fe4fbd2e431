"""Finds out whether a change to a model's file or a macro changes the compiled statement, by compiling it.

A comment, a different layout or a refactored macro change the text but not the SQL. Instead of guessing from the templates, the
model is compiled, which takes milliseconds, and the statements are compared token by token.
"""

from __future__ import annotations

import copy
import hashlib
import re
from typing import TYPE_CHECKING, Any

from dbt_common.exceptions import DbtBaseException

from meetup_engine.build.runners import borrowed
from meetup_engine.unit_tests.columns import QuietCompiler

if TYPE_CHECKING:
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ModelNode

# The order matters: at each position, the first alternative that matches wins.
_TOKEN = re.compile(
    r"""
      (?P<string>\b[eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*')
    | (?P<quoted>"(?:""|[^"])*")
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<line_comment>--[^\r\n]*)
    | (?P<comment>/\*)
    | (?P<space>\s+)
    | (?P<word>[\w$]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PROVABLE = frozenset({"view", "table", "incremental"})


def statement_of(node: ModelNode, manifest: Manifest, config: RuntimeConfig) -> str | None:
    """
    A hash of a model's compiled SQL, for an incremental model with `is_incremental` both ways; None if it can't be compiled.
    Doesn't modify the node.
    """
    materialized = node.config.materialized
    if materialized not in _PROVABLE or getattr(node, "language", "sql") != "sql":
        return None
    try:
        if materialized != "incremental":
            return _digest([tokens_of(_compiled(node, manifest, config, {}))])
        ways = [_Way(False), _Way(True)]
        first = tokens_of(_compiled(node, manifest, config, {"is_incremental": ways[0]}))
        # A template that never asked gives the same either way.
        asked = ways[0].asked
        second = tokens_of(_compiled(node, manifest, config, {"is_incremental": ways[1]})) if asked else first
        return _digest([first, second])
    except DbtBaseException:
        return None  # the error is reported when it runs


class _Way:
    """An answer for templates that ask `is_incremental`, in whatever way they get at it."""

    def __init__(self, answer: bool) -> None:
        self._answer = answer
        self.asked = False

    def __call__(self) -> bool:
        self.asked = True
        return self._answer


def _compiled(node: ModelNode, manifest: Manifest, config: RuntimeConfig, extra: dict[str, Any]) -> str:
    lent = borrowed(node)
    # Templates can modify what `config.get` returns.
    lent.config = copy.deepcopy(node.config)
    lent.extra_ctes, lent.extra_ctes_injected, lent.compiled = [], False, False
    return QuietCompiler(config).compile_node(lent, manifest, extra, write=False).compiled_code or ""


def tokens_of(sql: str) -> tuple[str, ...]:
    """The statement's tokens without comments, with white space as one blank. The whole text if it can't be tokenized safely."""
    tokens: list[str] = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            return (sql,)
        kind, token, at = match.lastgroup, match.group(), match.end()
        if kind == "comment":
            ended = _end_of_comment(sql, at)
            if ended is None:
                return (sql,)
            at, token = ended, " "
        elif kind == "line_comment":
            token = " "
        elif kind == "other" and token in "'\"":
            return (sql,)  # an unclosed quote: nothing after it can be trusted
        if kind in ("comment", "line_comment", "space"):
            # The line break matters: two strings on separate lines are concatenated, on one line they are an error.
            after_string = bool(tokens) and tokens[-1].endswith("'")
            token = "\n" if after_string and "\n" in match.group() else " "
            if tokens and tokens[-1] in (" ", "\n"):
                tokens[-1] = "\n" if "\n" in (tokens[-1], token) else " "
                continue
        tokens.append(token)
    while tokens and tokens[0] in (" ", "\n"):
        tokens.pop(0)
    while tokens and tokens[-1] in (" ", "\n"):
        tokens.pop()
    return tuple(tokens)


def _end_of_comment(sql: str, at: int) -> int | None:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, at)
        if edge is None:
            return None
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return at


def _digest(part: object) -> str:
    return hashlib.sha256(repr(part).encode()).hexdigest()[:32]
