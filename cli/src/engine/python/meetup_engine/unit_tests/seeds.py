"""Reads the columns of a seed from its file, because a unit test may use it before it has been built."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import TYPE_CHECKING

from dbt_common.clients import agate_helper

from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.nodes import SeedNode

    from meetup_engine.build.contents import Columns

# Cached, because finding the types as dbt does takes a second for a large file.
_known: LruCache[Hashable, Columns] = LruCache(256)


def columns_of_seed(node: SeedNode, config: RuntimeConfig, adapter: BaseAdapter) -> Columns | None:
    """Names and types as `dbt seed` would create them; None if the file can't be read, which is reported when it is built."""
    path = _file_of(node, config)
    try:
        stat = os.stat(path)
    except OSError:
        return None
    overrides = dict(node.config.column_types or {})
    delimiter = node.config.delimiter
    key = (path, stat.st_mtime_ns, stat.st_size, delimiter, tuple(sorted(overrides.items())), adapter.type())
    columns = _known.get(key)
    if columns is None:
        try:
            table = agate_helper.from_csv(path, text_columns=overrides, delimiter=delimiter)
        except (OSError, ValueError):
            return None
        columns = tuple(
            (str(name), str(overrides.get(name, adapter.convert_type(table, index))))
            for index, name in enumerate(table.column_names)
        )
        _known.put(key, columns)
    return columns


def _file_of(node: SeedNode, config: RuntimeConfig) -> str:
    package = (
        "."
        if node.package_name == config.project_name
        else os.path.join(config.packages_install_path, node.package_name)
    )
    path = os.path.join(config.project_root, package, node.original_file_path)
    return path if os.path.exists(path) else os.path.join(node.root_path or "", node.original_file_path)
