"""
Validates a YAML file with unit tests against dbt's schema only once per outline.

dbt validates it to warn about keys that it will reject in the future, which is slow for a file with hundreds of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dbt.jsonschemas import jsonschemas

from meetup_engine.dbt_patches.patch import CACHED, Patch, Replacement, Symbol
from meetup_engine.dbt_patches.unit_test_outline import outline_of_unit_test
from meetup_engine.lru_cache import LruCache

if TYPE_CHECKING:
    from jsonschema import ValidationError

_validate_with_schema = jsonschemas._validate_with_schema
# The schema is kept with its id, so that the id isn't reused.
_valid: LruCache[tuple[int, str], dict[str, object]] = LruCache(CACHED)


def validate_with_schema(schema: dict[str, object], json: dict[str, object]) -> Iterator[ValidationError]:
    """dbt's function, with a cache of valid files."""
    tests = json.get("unit_tests") if isinstance(json, dict) else None
    if not isinstance(tests, list):
        return _validate_with_schema(schema, json)
    key = (id(schema), repr({**json, "unit_tests": [outline_of_unit_test(test) for test in tests]}))
    if _valid.get(key) is not None:
        return iter(())
    errors = list(_validate_with_schema(schema, json))
    if not errors:
        _valid.put(key, schema)
    return iter(errors)


PATCH = Patch(
    name="yaml_schemas",
    why="every time a file with unit tests is saved, dbt validates all of its rows",
    gain=(
        "part of the step from 556 to 187 ms per save of a unit test with 168 rows "
        "(docs/decisions/fixtures.md); dbt's function is a generator, so measure.py can't compare the two"
    ),
    replaces=(
        Replacement(
            Symbol("dbt.jsonschemas.jsonschemas:_validate_with_schema", "52806406a0319cf2"), validate_with_schema
        ),
    ),
)
