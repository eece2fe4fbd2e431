"""Where a fixture, and each row that it expects, stands in its YAML file."""

import os

import yaml

from meetup_engine.lru_cache import LruCache

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_known = LruCache(256)


def place_of(test, project_dir):
    """The line of a unit test and those of its expected rows, from 1; None and nothing where the file does not tell."""
    path = os.path.normpath(os.path.join(project_dir, test.original_file_path))
    try:
        stat = os.stat(path)
        key = (path, stat.st_mtime_ns, stat.st_size)
        if _known.get(key) is None:
            with open(path, encoding="utf-8") as file:
                _known.put(key, dict(_tests_in(yaml.compose(file, Loader=_Loader))))
        return _known.get(key).get((test.model, test.name), (None, []))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, []


def _tests_in(document):
    for test in _items(_entry(document, "unit_tests")):
        name, model = _entry(test, "name"), _entry(test, "model")
        if name is not None and model is not None:
            rows = _items(_entry(_entry(test, "expect"), "rows"))
            yield (model.value, name.value), (test.start_mark.line + 1, [row.start_mark.line + 1 for row in rows])


def _entry(node, name):
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return value
    return None


def _items(node):
    return node.value if isinstance(node, yaml.SequenceNode) else []
