"""JSON texts as values, as JSON.parse reads them: all numbers are doubles, and of a repeated key the last value counts."""

import json
import re
from typing import Final, NoReturn

from . import numbers

Value = None | bool | float | str | list["Value"] | dict[str, "Value"]

HALF_PAIR: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class NotJson(ValueError):
    """A text that isn't JSON. The message doesn't quote it, because it may be personal data."""


def parse(text: str) -> Value:
    """The value of a JSON text."""
    value: Value = read(DECODER, text)
    return value


def read(decoder: json.JSONDecoder, text: str) -> Value:
    require_whole_characters(text)
    try:
        value: Value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg) from error
    except RecursionError as error:
        raise NotJson("it is nested too deeply") from error
    return value


def require_whole_characters(text: str) -> None:
    if HALF_PAIR.search(text):
        raise NotJson("half of a surrogate pair is not a character")


def refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is not a value")


DECODER: Final = json.JSONDecoder(parse_int=float, parse_float=float, parse_constant=refuse)


def text_of(value: Value) -> str:
    """What JSON.stringify gives for a value."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return numbers.text_of(value) if numbers.is_finite(value) else "null"
        case list():
            return f"[{','.join(map(text_of, value))}]"
        case dict():
            return f"{{{','.join(f'{text_of(key)}:{text_of(inner)}' for key, inner in value.items())}}}"
        case _:
            return json.dumps(value, ensure_ascii=False)
