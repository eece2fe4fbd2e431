"""
The keywords of JSON Schema with the meaning and the messages that ajv gives them, so that a record has the same verdict and the same
reasons wherever it is loaded. What isn't here means the same to the library.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator

from . import formats, numbers, values
from .values import Value

Schema = bool | dict[str, Any]
Errors = Iterator[ValidationError]
Keyword = Callable[[Validator, Any, Any, dict[str, Any]], Errors]

# The order in which ajv checks keywords: those for any value, for numbers, texts, lists and objects.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "any": ("$dynamicRef", "$ref", "type", "const", "enum", "not", "anyOf", "oneOf", "allOf", "if"),
    "number": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "format"),
    "string": ("maxLength", "minLength", "pattern", "format"),
    "array": ("maxItems", "minItems", "prefixItems", "items", "contains", "uniqueItems", "unevaluatedItems"),
    "object": (
        "maxProperties",
        "minProperties",
        "required",
        "propertyNames",
        "additionalProperties",
        "properties",
        "patternProperties",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ),
}
ORDER: Final = {keyword: place for place, keyword in enumerate(word for group in GROUPS.values() for word in group)}
GROUP_OF_TYPE: Final = {"integer": "number"}


def in_order(schema: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """A schema's keywords in ajv's order. The type comes with those that only say something about its values."""
    kind = schema.get("type")
    group = GROUPS.get(kind, ()) if isinstance(kind, str) else ()
    own = [ORDER[keyword] for keyword in group if keyword in schema]
    places = {**ORDER, "type": min(own) - 0.5} if own else ORDER
    return sorted(schema.items(), key=lambda item: places.get(item[0], len(ORDER)))


def equal(one: Value, other: Value) -> bool:
    """Whether two JSON values are the same; to Python, 1 is also True."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def errors_in(validator: Validator, value: Value, schema: Schema, step: str | int | None = None) -> Errors:
    """The errors of a value, or of what is at this step in it, by another schema."""
    if schema is False:
        # The library's message would quote the value, which may be personal data.
        yield ValidationError("boolean schema is false", path=[] if step is None else [step])
    else:
        yield from validator.descend(value, schema, path=step)


def passes(validator: Validator, value: Value, schema: Schema) -> bool:
    return next(errors_in(validator, value, schema), None) is None


def has_type(validator: Validator, types: str | list[str], value: Value, _: dict[str, Any]) -> Errors:
    names = [types] if isinstance(types, str) else types
    if not any(validator.is_type(value, name) for name in names):
        yield ValidationError(f"must be {','.join(names)}")


def const(_: Validator, wanted: Value, value: Value, __: dict[str, Any]) -> Errors:
    if not equal(wanted, value):
        yield ValidationError("must be equal to constant")


def enum(_: Validator, allowed: list[Any], value: Value, __: dict[str, Any]) -> Errors:
    if not any(equal(one, value) for one in allowed):
        yield ValidationError(f"must be equal to one of the allowed values ({values.text_of(allowed)})")


def negation(validator: Validator, schema: Schema, value: Value, _: dict[str, Any]) -> Errors:
    if passes(validator, value, schema):
        yield ValidationError("must NOT be valid")


def any_of(validator: Validator, schemas: list[Any], value: Value, _: dict[str, Any]) -> Errors:
    errors: list[ValidationError] = []
    for schema in schemas:
        found = list(errors_in(validator, value, schema))
        if not found:
            return
        errors.extend(found)
    yield from errors
    yield ValidationError("must match a schema in anyOf")


def one_of(validator: Validator, schemas: list[Any], value: Value, _: dict[str, Any]) -> Errors:
    errors: list[ValidationError] = []
    matching = 0
    for schema in schemas:
        found = list(errors_in(validator, value, schema))
        matching += not found
        errors.extend(found)
        if matching > 1:
            break
    if matching != 1:
        yield from errors
        yield ValidationError("must match exactly one schema in oneOf")


def condition(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    branch = "then" if passes(validator, value, schema) else "else"
    found = list(errors_in(validator, value, whole[branch])) if branch in whole else []
    if found:
        yield from found
        yield ValidationError(f'must match "{branch}" schema')


def limit(sign: str, is_within: Callable[[float, float], bool]) -> Keyword:
    def check(_: Validator, bound: float, value: Value, __: dict[str, Any]) -> Errors:
        if numbers.is_number(value) and not is_within(value, bound):
            yield ValidationError(f"must be {sign} {numbers.text_of(bound)}")

    return check


def multiple_of(_: Validator, step: float, value: Value, __: dict[str, Any]) -> Errors:
    # ajv compares the quotient with its parseInt, which stops at the exponent that large numbers are written with.
    if numbers.is_number(value):
        quotient = value / step
        if not (numbers.is_integer(quotient) and abs(quotient) < numbers.EXPONENT_FROM):
            yield ValidationError(f"must be multiple of {numbers.text_of(step)}")


def count(kind: type[str | list[Any] | dict[str, Any]], things: str, is_most: bool) -> Keyword:
    def check(_: Validator, bound: float, value: Value, __: dict[str, Any]) -> Errors:
        if isinstance(value, kind) and (len(value) > bound if is_most else len(value) < bound):
            more = "more" if is_most else "fewer"
            yield ValidationError(f"must NOT have {more} than {numbers.text_of(bound)} {things}")

    return check


def pattern(_: Validator, source: str, value: Value, __: dict[str, Any]) -> Errors:
    if isinstance(value, str) and not formats.matches(source, "u", value):
        yield ValidationError(f'must match pattern "{source}"')


def prefix_items(validator: Validator, schemas: list[Any], value: Value, _: dict[str, Any]) -> Errors:
    if isinstance(value, list):
        for index, (item, schema) in enumerate(zip(value, schemas, strict=False)):
            yield from errors_in(validator, item, schema, index)


def items(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    if not isinstance(value, list):
        return
    first = len(whole.get("prefixItems", []))
    if schema is False and first > 0:
        if len(value) > first:
            yield ValidationError(f"must NOT have more than {first} items")
        return
    for index, item in enumerate(value[first:], start=first):
        yield from errors_in(validator, item, schema, index)


def contains(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    if not isinstance(value, list):
        return
    least, most = whole.get("minContains", 1), whole.get("maxContains")
    errors: list[ValidationError] = []
    matching = 0
    for index, item in enumerate(value):
        found = list(errors_in(validator, item, schema, index))
        matching += not found
        errors.extend(found)
    if matching < least or (most is not None and matching > most):
        yield from errors
        upper = "" if most is None else f" and no more than {numbers.text_of(most)}"
        yield ValidationError(f"must contain at least {numbers.text_of(least)}{upper} valid item(s)")


def unique_items(validator: Validator, wanted: bool, value: Value, whole: dict[str, Any]) -> Errors:
    if wanted and isinstance(value, list):
        places = repeated(validator, value, whole.get("items"))
        if places is not None:
            yield ValidationError(f"must NOT have duplicate items (items ## {places[0]} and {places[1]} are identical)")


def repeated(validator: Validator, value: list[Value], item: Schema | None) -> tuple[int, int] | None:
    """
    The places of two equal items. ajv looks for them from the end. If the items have to be single values, it leaves out those of another type,
    and names the later place first.
    """
    kind = item.get("type", []) if isinstance(item, dict) else []
    types = [kind] if isinstance(kind, str) else kind
    is_simple = bool(types) and not {"object", "array"} & set(types)
    places = list(reversed(range(len(value))))
    if not is_simple:
        pairs = ((one, other) for one in places for other in range(one - 1, -1, -1))
        return next(((other, one) for one, other in pairs if equal(value[one], value[other])), None)
    simple = [place for place in places if any(validator.is_type(value[place], name) for name in types)]
    pairs = ((one, other) for at, other in enumerate(simple) for one in reversed(simple[:at]))
    return next(((one, other) for one, other in pairs if equal(value[one], value[other])), None)


def required(_: Validator, names: list[str], value: Value, __: dict[str, Any]) -> Errors:
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield ValidationError(f"must have required property '{name}'")


def property_names(validator: Validator, schema: Schema, value: Value, _: dict[str, Any]) -> Errors:
    if isinstance(value, dict):
        for name in value:
            found = list(errors_in(validator, name, schema))
            if found:
                yield from found
                yield ValidationError("property name must be valid")


def additional_properties(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    if not isinstance(value, dict):
        return
    patterns = list(whole.get("patternProperties", {}))
    for name, inner in value.items():
        if name in whole.get("properties", {}) or any(formats.matches(one, "u", name) for one in patterns):
            continue
        if schema is False:
            yield ValidationError("must NOT have additional properties")
        else:
            yield from errors_in(validator, inner, schema, name)


def properties(validator: Validator, schemas: dict[str, Any], value: Value, _: dict[str, Any]) -> Errors:
    if isinstance(value, dict):
        for name, schema in schemas.items():
            if name in value:
                yield from errors_in(validator, value[name], schema, name)


def pattern_properties(validator: Validator, schemas: dict[str, Any], value: Value, _: dict[str, Any]) -> Errors:
    if isinstance(value, dict):
        for source, schema in schemas.items():
            for name, inner in value.items():
                if formats.matches(source, "u", name):
                    yield from errors_in(validator, inner, schema, name)


def dependent_required(_: Validator, dependencies: dict[str, list[str]], value: Value, __: dict[str, Any]) -> Errors:
    if not isinstance(value, dict):
        return
    for name, needed in dependencies.items():
        if name in value:
            what = "property" if len(needed) == 1 else "properties"
            for missing in needed:
                if missing not in value:
                    yield ValidationError(f"must have {what} {', '.join(needed)} when property {name} is present")


def unevaluated_properties(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    for _ in Draft202012Validator.VALIDATORS["unevaluatedProperties"](validator, schema, value, whole):
        yield ValidationError("must NOT have unevaluated properties")


def unevaluated_items(validator: Validator, schema: Schema, value: Value, whole: dict[str, Any]) -> Errors:
    for _ in Draft202012Validator.VALIDATORS["unevaluatedItems"](validator, schema, value, whole):
        yield ValidationError("must NOT have unevaluated items")


KEYWORDS: Final[dict[str, Keyword]] = {
    "type": has_type,
    "const": const,
    "enum": enum,
    "not": negation,
    "anyOf": any_of,
    "oneOf": one_of,
    "if": condition,
    "maximum": limit("<=", lambda value, bound: value <= bound),
    "minimum": limit(">=", lambda value, bound: value >= bound),
    "exclusiveMaximum": limit("<", lambda value, bound: value < bound),
    "exclusiveMinimum": limit(">", lambda value, bound: value > bound),
    "multipleOf": multiple_of,
    "maxLength": count(str, "characters", is_most=True),
    "minLength": count(str, "characters", is_most=False),
    "pattern": pattern,
    "maxItems": count(list, "items", is_most=True),
    "minItems": count(list, "items", is_most=False),
    "prefixItems": prefix_items,
    "items": items,
    "contains": contains,
    "uniqueItems": unique_items,
    "maxProperties": count(dict, "properties", is_most=True),
    "minProperties": count(dict, "properties", is_most=False),
    "required": required,
    "propertyNames": property_names,
    "additionalProperties": additional_properties,
    "properties": properties,
    "patternProperties": pattern_properties,
    "dependentRequired": dependent_required,
    "unevaluatedProperties": unevaluated_properties,
    "unevaluatedItems": unevaluated_items,
}
