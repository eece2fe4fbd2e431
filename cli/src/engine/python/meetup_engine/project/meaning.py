"""What a SQL or macro file means, apart from how it is written.

Two texts with the same `meaning()` compile to the same statements, so a change from one to the other needs no
rebuild. The rule is one-sided: where it is not certain that a difference means nothing, the texts count as different.
"""

from __future__ import annotations

import re

# The order matters: the first alternative that fits at a position wins.
_TOKEN = re.compile(
    r"""
      (?P<jinja_comment>\{\#.*?\#\})
    | (?P<raw_block>\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\})
    | (?P<jinja>\{\{.*?\}\}|\{%.*?%\})
    | (?P<string>'(?:\{\{.*?\}\}|\{%.*?%\}|''|[^'])*')
    | (?P<quoted>"(?:\{\{.*?\}\}|\{%.*?%\}|""|[^"])*"|`[^`]*`)
    | (?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<hint>/\*\+.*?\*/)
    | (?P<block_comment>/\*.*?\*/)
    | (?P<line_comment>--[^\n]*)
    | (?P<space>\s+)
    | (?P<word>[^\W]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_JINJA_STRING = re.compile(r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL)
_RENDERED = re.compile(r"\{\{|\{%|\{#")
# Around these, white space never matters in either engine's SQL.
_LOOSE = frozenset("(),;")


def of_model(text: str) -> tuple[str, ...]:
    """The meaning of a model's, test's or snapshot's file: comments and layout are gone, all else stays."""
    return _normalise(text, keep_layout=False)


def of_macro(text: str) -> tuple[str, ...]:
    """The meaning of a macro: what it renders may be compared as text, so only comments and line breaks' indentation go."""
    return _normalise(text, keep_layout=True)


def _normalise(text: str, *, keep_layout: bool) -> tuple[str, ...]:
    tokens: list[str] = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup or "other", match.group()
        if kind == "tag":  # the named group inside a dollar-quoted string
            kind = "dollar"
        if kind in ("jinja_comment", "line_comment", "block_comment"):
            _add_comment(tokens, kind, token, keep_layout)
        elif kind == "jinja":
            tokens.append(_jinja(token))
        elif kind == "space":
            tokens.append(("\n" if "\n" in token else token) if keep_layout else " ")
        elif kind == "other" and token in "'\"`":
            return (text,)  # an open quote: nothing after it can be trusted
        else:
            tokens.append(token)
    return tuple(_spaced(tokens, keep_layout))


def _add_comment(tokens: list[str], kind: str, token: str, keep_layout: bool) -> None:
    if kind == "jinja_comment":
        # `{#-` and `-#}` eat the white space beside them; the comment itself renders to nothing.
        if token.startswith("{#-") or token.endswith("-#}"):
            tokens.append("{#-" if token.startswith("{#-") else "{#")
            tokens.append("-#}" if token.endswith("-#}") else "#}")
        return
    nested = kind == "block_comment" and "/*" in token[2:]
    if _RENDERED.search(token) or nested:
        tokens.append(token)  # dbt renders Jinja in comments too, and a ref there is a dependency
    elif kind == "block_comment" or not keep_layout:
        tokens.append(" ")


def _jinja(token: str) -> str:
    parts = _JINJA_STRING.split(token)
    # Odd parts are the strings; between them Jinja does not care how much white space there is.
    return "".join(part if i % 2 else re.sub(r"\s+", " ", part) for i, part in enumerate(parts))


def _spaced(tokens: list[str], keep_layout: bool) -> list[str]:
    merged: list[str] = []
    for token in tokens:
        if token.isspace() and merged and merged[-1].isspace():
            if keep_layout and token != merged[-1]:
                merged[-1] = "\n" if "\n" in (merged[-1] + token) else merged[-1] + token
            continue
        merged.append(token)
    while merged and merged[0].isspace():
        merged.pop(0)
    while merged and merged[-1].isspace():
        merged.pop()
    if keep_layout:
        return merged
    kept = []
    for i, token in enumerate(merged):
        loose = token == " " and (merged[i - 1] in _LOOSE or merged[i + 1] in _LOOSE)
        if not loose:
            kept.append(token)
    # Neighbouring words that a Jinja comment stood between render as one word.
    joined: list[str] = []
    for token in kept:
        if joined and re.fullmatch(r"\w+", joined[-1]) and re.fullmatch(r"\w+", token):
            joined[-1] += token
        else:
            joined.append(token)
    return joined
