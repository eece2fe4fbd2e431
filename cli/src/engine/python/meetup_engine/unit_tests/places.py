"""Finds the lines of unit tests and their expected rows in YAML files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml

from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import UnitTestDefinition

# The line of the test and those of its expected rows, from 1.
Place = tuple[int | None, list[int]]

_Loader: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_known: LruCache[tuple[str, int, int], dict[tuple[str, str], Place]] = LruCache(256)


def place_of(test: UnitTestDefinition, project_dir: str) -> Place:
    """The line of a unit test and those of its expected rows; None and empty if they can't be found."""
    path = os.path.normpath(os.path.join(project_dir, test.original_file_path))
    try:
        stat = os.stat(path)
        key = (path, stat.st_mtime_ns, stat.st_size)
        places = _known.get(key)
        if places is None:
            with open(path, encoding="utf-8") as file:
                places = dict(_tests_in(yaml.compose(file, Loader=_Loader)))
            _known.put(key, places)
        return places.get((test.model, test.name), (None, []))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, []


def _tests_in(document: yaml.Node | None) -> Iterator[tuple[tuple[str, str], Place]]:
    for test in _items(_entry(document, "unit_tests")):
        name, model = _entry(test, "name"), _entry(test, "model")
        if name is not None and model is not None:
            rows = _items(_entry(_entry(test, "expect"), "rows"))
            yield (model.value, name.value), (_line_of(test), [_line_of(row) for row in rows])


def _line_of(node: yaml.Node) -> int:
    # Nodes that were composed from a file have a mark.
    return node.start_mark.line + 1 if node.start_mark is not None else 1


def _entry(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return value
    return None


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []
