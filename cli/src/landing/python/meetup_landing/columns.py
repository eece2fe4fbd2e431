"""The columns of a raw table: which numbers they hold exactly, and what a value becomes in them."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, Literal, TypedDict

from . import numbers, values
from .values import Value


class Scalar(TypedDict):
    kind: Literal["scalar"]
    sql: Literal["BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN"]


class AnyJson(TypedDict):
    """A value that may have more than one type, kept as JSON text."""

    kind: Literal["json"]


class ListColumn(TypedDict):
    kind: Literal["list"]
    item: "Column"


class Struct(TypedDict):
    kind: Literal["struct"]
    fields: list[tuple[str, "Column"]]


Column = Scalar | AnyJson | ListColumn | Struct


class Mark(Enum):
    """A number that JSON.parse can't represent exactly."""

    INEXACT = "inexact"
    # As a decimal it can be stored, such as 1e20, but not as an integer.
    LARGE = "large"


Marked = None | bool | float | str | Mark | list["Marked"] | dict[str, "Marked"]

MAY_BE_INEXACT: Final = re.compile(r"[0-9]{16}|[0-9][eE]")


def inexact_numbers(text: str, column: Column) -> list[str]:
    """The JSON pointers of numbers in columns that JSON.parse can't represent exactly, such as `/rsvps/3/user_id`."""
    if not MAY_BE_INEXACT.search(text):
        return []
    return list(places_in(MARKING.decode(text), column, ""))


def marked(token: str) -> float | Mark:
    number = float(token)
    if not numbers.is_finite(number):
        return Mark.INEXACT
    if not numbers.is_integer(number) or numbers.is_safe(number):
        return number
    return Mark.INEXACT if numbers.DIGITS.fullmatch(token) and numbers.text_of(number) != token else Mark.LARGE


MARKING: Final = json.JSONDecoder(parse_int=marked, parse_float=marked)


def places_in(value: Marked, column: Column, path: str) -> Iterator[str]:
    if value is Mark.INEXACT or (value is Mark.LARGE and column["kind"] == "scalar" and column["sql"] == "BIGINT"):
        yield path or "/"
    elif isinstance(value, list):
        item = column["item"] if column["kind"] == "list" else column
        for index, one in enumerate(value):
            yield from places_in(one, item, f"{path}/{index}")
    elif isinstance(value, dict):
        fields = dict(column["fields"]) if column["kind"] == "struct" else None
        for key, one in value.items():
            inner = column if fields is None else fields.get(key)
            if inner is not None:
                yield from places_in(one, inner, f"{path}/{escaped(key)}")


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


Stored = None | bool | int | float | str | list["Stored"] | dict[str, "Stored"]


def stored(value: Value, column: Column) -> Stored:
    """A valid value as its column holds it: only listed properties, integers without a fraction, anything else as JSON text."""
    if value is None:
        return None
    match column["kind"]:
        case "json":
            return values.text_of(value)
        case "list":
            return [stored(item, column["item"]) for item in value] if isinstance(value, list) else None
        case "struct":
            if not isinstance(value, dict):
                return None
            return {name: stored(value.get(name), field) for name, field in column["fields"]}
        case "scalar":
            if column["sql"] == "BIGINT" and isinstance(value, (int, float)):
                return int(value)
            return value if isinstance(value, (bool, int, float, str)) else None
