"""Applies edits of models' SQL to the manifest without parsing, if no Jinja has changed.

What dbt learns from parsing a model (references, configuration, dependencies) comes from its Jinja alone. If an edit only
touches the text between, which Jinja copies as it is, the model's node stays the same except for its text.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import jinja2
from dbt.adapters.factory import get_adapter_package_names
from dbt.artifacts.resources.types import ModelLanguage
from dbt.contracts.files import ParseFileType, SourceFile
from dbt.contracts.graph.nodes import ModelNode

from meetup_engine.build.closures import Closures, jinja_of

if TYPE_CHECKING:
    from dbt.contracts.files import AnySourceFile
    from dbt.contracts.graph.manifest import Manifest

_LEXER = jinja2.Environment()
_IGNORED = frozenset({"data", "comment", "comment_begin", "comment_end"})
# Blocks whose body is copied to the output. Others, such as `set` without a value and `call`, may hand it to a macro.
_COPYING = frozenset({"if", "elif", "else", "endif", "for", "endfor", "do", "set"})
_SIGNATURE = re.compile(r"\bmacro\s+\w+\s*\([^()]*\)")
# A template that can read a model's text, or passes the whole model on.
_READS_TEXT = re.compile(
    r"\b(raw_code|raw_sql|compiled\w*|checksum|graph|context|builtins)\b|\|\s*attr\b"
    r"|\b(model|node)\b(?!\s*\.\s*(?!raw|compiled|checksum|to_dict|__)\w+\b(?!\s*\())"
)
# dbt calls these while it parses a model.
_NAMING = ("generate_schema_name", "generate_database_name", "generate_alias_name")


def apply(manifest: Manifest, edited: Collection[AnySourceFile], adapter_type: str) -> bool:
    """
    Replaces the text of models by that of the files, as they were read from disk. Returns False, and changes nothing, unless
    parsing all of them would give the same nodes apart from their text.
    """
    closures = Closures.of_unchanged(manifest.macros, frozenset(get_adapter_package_names(adapter_type)))
    named = closures.reached(_NAMING)
    found = []
    for source in edited:
        node = _node_of(manifest, source)
        if node is None or not same_jinja(node.raw_code, source.contents or ""):
            return False
        macros = named | closures.reached((node.raw_code,))
        if reads_text([node.raw_code, *(closures.own[name].macro_sql for name in macros)]):
            return False
        found.append((node, source))
    for node, source in found:
        _replace_text(manifest, node, source)
    return True


def _node_of(manifest: Manifest, source: AnySourceFile) -> ModelNode | None:
    """The model in a file; None if it isn't exactly one enabled SQL model as last read."""
    saved = manifest.files.get(source.file_id)
    if source.parse_file_type != ParseFileType.Model or not isinstance(saved, SourceFile) or len(saved.nodes) != 1:
        return None
    node = manifest.nodes.get(saved.nodes[0])
    if not isinstance(node, ModelNode) or node.language != ModelLanguage.sql or not source.contents:
        return None
    return node if node.checksum == saved.checksum and not (saved.docs or saved.macros) else None


def same_jinja(before: str, after: str) -> bool:
    """Whether two templates differ only in text that Jinja copies to the output."""
    try:
        old, new = _jinja_tokens(before), _jinja_tokens(after)
    except jinja2.TemplateError:
        return False
    return old == new and _copies_text(old)


@lru_cache(maxsize=64)
def _jinja_tokens(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((kind, value) for _, kind, value in _LEXER.lex(text) if kind not in _IGNORED)


def _copies_text(tokens: Iterable[tuple[str, str]]) -> bool:
    """Whether every block of a template copies its body to the output."""
    name_follows = False
    for kind, value in tokens:
        if kind == "block_begin":
            name_follows = True
        elif name_follows and kind != "whitespace":
            if value not in _COPYING:
                return False
            name_follows = False
    return not _has_set_block(tokens)


def _has_set_block(tokens: Iterable[tuple[str, str]]) -> bool:
    """Whether there is a `set` without a value, or with a filter, whose value is the text up to `endset`."""
    words: list[str] | None = None
    for kind, value in tokens:
        if kind == "block_begin":
            words = []
        elif kind == "block_end":
            if words and words[0] == "set" and "=" not in words:
                return True
            words = None
        elif words is not None and kind != "whitespace":
            words.append(value)
    return False


def reads_text(templates: Iterable[str]) -> bool:
    """Whether one of the templates can read the text of the model that it is part of."""
    return any(_READS_TEXT.search(_SIGNATURE.sub("", jinja_of(template))) for template in templates)


def _replace_text(manifest: Manifest, node: ModelNode, source: AnySourceFile) -> None:
    """Does for one model what parsing its file would do."""
    edited = copy.copy(node)
    edited.raw_code = source.contents or ""
    edited.checksum = source.checksum
    edited.created_at = time.time()
    manifest.nodes[node.unique_id] = edited
    saved = manifest.files[source.file_id]
    saved.checksum = source.checksum
    saved.path = source.path
