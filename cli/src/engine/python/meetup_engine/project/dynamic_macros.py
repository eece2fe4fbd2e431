"""Informs dbt's partial parser about macros that nodes reach without calling them by name.

dbt parses a node again when a macro in its `depends_on` changes. A macro that is passed as a value or looked up in `context`
isn't in that list, even if it determines the node's references or configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbt.adapters.factory import get_adapter_package_names
from dbt.contracts.files import AnySourceFile, ParseFileType

from meetup_engine.build.closures import Closures, Macro

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ManifestNode

_MACRO_FILES = frozenset({ParseFileType.Macro, ParseFileType.GenericTest})
_DEFINED = re.compile(r"\{%-?\s*(?:macro|test|data_test|materialization)\s+(\w+)")
# dbt calls these for each node, but no node lists them.
_NAMING = ("generate_schema_name", "generate_database_name", "generate_alias_name")


@dataclass
class _NewMacro:
    name: str
    package_name: str
    macro_sql: str


def add_unlisted_dependencies(saved: Manifest, files: Mapping[str, AnySourceFile], adapter_type: str) -> bool:
    """
    Adds each changed macro to `depends_on` of the saved nodes that can reach it. Must be called before dbt compares the files.
    Returns False if that isn't enough: if a node can reach a new macro, or if a macro determines relation names.
    """
    changed: set[str] = set()
    new: dict[str, Macro] = {}
    for file_id in saved.files.keys() | files.keys():
        before, after = saved.files.get(file_id), files.get(file_id)
        source = after or before
        if source is None or source.parse_file_type not in _MACRO_FILES:
            continue
        if before is not None and after is not None and before.checksum == after.checksum:
            continue
        changed.update(name for name in getattr(before, "macros", ()) if name in saved.macros)
        if after is not None:
            new.update(_new_macros(saved, after))
    if not changed and not new:
        return True
    internal = frozenset(get_adapter_package_names(adapter_type))
    closures = Closures.of({**saved.macros, **new}, internal)
    if closures.reached(_NAMING) & (changed | new.keys()):
        return False
    for node in saved.nodes.values():
        reached = closures.reached(_parsed_texts(node))
        if reached & new.keys():
            return False
        listed = node.depends_on.macros if hasattr(node.depends_on, "macros") else []
        listed.extend(sorted((reached & changed) - set(listed)))
    return True


def _new_macros(saved: Manifest, source: AnySourceFile) -> Iterator[tuple[str, Macro]]:
    """The macros in a file that aren't in the saved manifest, each with the text of the whole file."""
    package, text = source.project_name or "", source.contents or ""
    known = {macro.name for macro in saved.macros.values() if macro.package_name == package}
    for name in _DEFINED.findall(text):
        if name not in known:
            yield f"macro.{package}.{name}", _NewMacro(name, package, text)


def _parsed_texts(node: ManifestNode) -> Iterator[str]:
    metadata = getattr(node, "test_metadata", None)
    yield getattr(node, "raw_code", None) or ""
    yield from _strings(metadata.kwargs if metadata is not None else {})
    yield from _strings(node.config.to_dict(omit_none=True))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)
