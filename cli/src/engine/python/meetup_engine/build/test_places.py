"""Finds the line of a data test in the user's file."""

from __future__ import annotations

import os
from collections.abc import Iterator

import yaml
from dbt.contracts.graph.nodes import GenericTestNode, SingularTestNode

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS = ("models", "seeds", "snapshots", "sources")


def line_of(test: GenericTestNode | SingularTestNode, project_dir: str) -> int | None:
    """The line, from 1, on which a data test begins; None if it can't be found in its file."""
    if not isinstance(test, GenericTestNode):
        return 1  # a singular test is a whole file
    try:
        with open(os.path.normpath(os.path.join(project_dir, test.original_file_path)), encoding="utf-8") as file:
            found = list(_tests_in(yaml.compose(file, Loader=_Loader), _tested(test), test.column_name))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    metadata = test.test_metadata
    names = {metadata.name, f"{metadata.namespace}.{metadata.name}", test.name}
    named = [line for name, line in found if name == test.name]
    lines = named or [line for name, line in found if name in names]
    return lines[0] if lines else None


def _tested(test: GenericTestNode) -> set[str]:
    """The names that the tested node may have in YAML: its own, or its table's for a source."""
    nodes = [test.attached_node, *test.depends_on.nodes]
    return {part for node in nodes if node for part in node.split(".")[2:]}


def _tests_in(document: object, tested: set[str], column: str | None) -> Iterator[tuple[str, int]]:
    for kind in _KINDS:
        for entry in _items(_entry(document, kind)):
            for node in (entry, *_items(_entry(entry, "tables"))):
                if _text(_entry(node, "name")) not in tested:
                    continue
                owners = [node] if column is None else _items(_entry(node, "columns"))
                for owner in owners:
                    if column is None or _text(_entry(owner, "name")) == column:
                        yield from _named(owner)


def _named(owner: object) -> Iterator[tuple[str, int]]:
    for key in ("data_tests", "tests"):
        for item in _items(_entry(owner, key)):
            line = item.start_mark.line + 1
            if isinstance(item, yaml.ScalarNode):
                yield item.value, line
            elif isinstance(item, yaml.MappingNode):
                for name, value in item.value:
                    yield name.value, line
                    own = _text(_entry(value, "name")) or (value.value if name.value == "name" else None)
                    if isinstance(own, str):
                        yield own, line


def _entry(node: object, name: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return value
    return None


def _items(node: object) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _text(node: object) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None
