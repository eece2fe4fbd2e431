"""Checks the resources of a bundle against the definitions that Databricks publishes on PyPI as databricks-bundles.

Reads {"jobs": {name: job, …}, …} from stdin, and prints a list of problems. Databricks' own parser rejects unknown
fields but converts any value into a string, so the parsed resources are serialised again and compared with the input.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

# The classes by their key in `resources`, which is also the name of their module.
_CLASSES = {"jobs": "Job", "pipelines": "Pipeline", "schemas": "Schema", "volumes": "Volume"}


def problems(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for kind, named in resources.items():
        if kind not in _CLASSES:
            yield f"resources.{kind}: there is no such kind, or this check does not know it"
            continue
        definition = getattr(importlib.import_module(f"databricks.bundles.{kind}"), _CLASSES[kind])
        for name, given in named.items():
            try:
                read = definition.from_dict(given).as_dict()
            except (ValueError, TypeError, AssertionError) as error:
                yield f"resources.{kind}.{name}: {error}"
                continue
            yield from differences(f"resources.{kind}.{name}", given, read)


def differences(place: str, given: object, read: object) -> Iterator[str]:
    """The places where the parsed resources differ. Serialising leaves out empty lists and maps."""
    if isinstance(given, dict) and isinstance(read, dict):
        for key in given.keys() | read.keys():
            if given.get(key) not in (None, [], {}) or read.get(key) not in (None, [], {}):
                yield from differences(f"{place}.{key}", given.get(key), read.get(key))
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for index, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from differences(f"{place}[{index}]", one, other)
    elif type(given) is not type(read) or given != read:
        yield f"{place}: {json.dumps(given)} is read as {json.dumps(read, default=dataclasses.asdict)}"


json.dump(sorted(problems(json.load(sys.stdin))), sys.stdout)
