"""The columns of a seed, read from its file: a unit test may have a seed as its input before any seed was built."""

import os

from dbt_common.clients import agate_helper

Columns = tuple[tuple[str, str], ...]

# By what they follow from. To find the types dbt's way takes a second for a large file.
_known: dict[tuple, Columns] = {}
_MOST_KNOWN = 256


def columns_of_seed(node, config, adapter) -> Columns | None:
    """Names and types as `dbt seed` would make them; None where the file can't be read, of which building it tells more."""
    path = _file_of(node, config)
    try:
        stat = os.stat(path)
    except OSError:
        return None
    overrides = dict(node.config.column_types or {})
    delimiter = node.config.delimiter
    key = (path, stat.st_mtime_ns, stat.st_size, delimiter, tuple(sorted(overrides.items())), adapter.type())
    if key not in _known:
        while len(_known) >= _MOST_KNOWN:
            _known.pop(next(iter(_known)))
        try:
            table = agate_helper.from_csv(path, text_columns=overrides, delimiter=delimiter)
        except (OSError, ValueError):
            return None
        _known[key] = tuple(
            (str(name), overrides.get(name, adapter.convert_type(table, index))) for index, name in enumerate(table.column_names)
        )
    return _known[key]


def _file_of(node, config) -> str:
    package = "." if node.package_name == config.project_name else os.path.join(config.packages_install_path, node.package_name)
    path = os.path.join(config.project_root, package, node.original_file_path)
    return path if os.path.exists(path) else os.path.join(node.root_path or "", node.original_file_path)
