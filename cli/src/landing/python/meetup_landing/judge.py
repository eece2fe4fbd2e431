"""Judges records by their schema, with ajv's verdicts and reasons."""

from typing import Any, Final, TypedDict

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import create

from . import formats, numbers, values
from .columns import Struct, escaped, inexact_numbers
from .keywords import KEYWORDS, Errors, in_order
from .values import Value

# A record with a thousand invalid answers doesn't need a thousand reasons.
MOST_REASONS: Final = 50


class Rules(TypedDict):
    """What decides whether a record is valid, as cli/src/landing/rules.ts writes it."""

    schema: dict[str, Any]
    # By format, the regular expressions (source and flags) that a text has to match all of.
    formats: dict[str, list[list[str]]]
    record: Struct


TYPES: Final = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "number": lambda _, value: numbers.is_number(value),
        "integer": lambda _, value: numbers.is_number(value) and numbers.is_integer(value),
    }
)


class Judge:
    """Judges the records of one entity."""

    def __init__(self, rules: Rules) -> None:
        expressions = rules["formats"]

        def has_format(_: Validator, name: str, value: Value, __: dict[str, Any]) -> Errors:
            if not formats.fits(name, value, expressions):
                yield ValidationError(f'must match format "{name}"')

        kind = create(
            meta_schema=Draft202012Validator.META_SCHEMA,
            validators={**Draft202012Validator.VALIDATORS, **KEYWORDS, "format": has_format},
            type_checker=TYPES,
            applicable_validators=in_order,
        )
        self._validator = kind(rules["schema"])
        self._record = rules["record"]

    def reasons(self, text: str, value: Value) -> list[str]:
        """Why a record is invalid, such as `/rsvps/3/user_id must be integer`; nothing if it is valid."""
        found = [reason_of(error) for error in self._validator.iter_errors(value)]
        if found:
            left = len(found) - MOST_REASONS
            return [*found[:MOST_REASONS], f"and {left} more"] if left > 0 else found
        return [f"{place} must be a number that can be stored exactly" for place in inexact_numbers(text, self._record)]

    def reasons_of(self, text: str) -> list[str]:
        return self.reasons(text, values.parse(text))


def reason_of(error: ValidationError) -> str:
    place = "".join(f"/{escaped(str(step))}" for step in error.path)
    return f"{place or '/'} {error.message}"
