"""The formats of JSON Schema as ajv-formats checks them. Those that it checks by a regular expression come with the contract."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

import regress

from . import numbers
from .values import Value


@cache
def expression(source: str, flags: str) -> regress.Regex:
    """A regular expression of JavaScript."""
    return regress.Regex(source, flags)


def matches(source: str, flags: str, text: str) -> bool:
    return expression(source, flags).find(text) is not None


DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
DAYS: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_date(text: str) -> bool:
    found = DATE.fullmatch(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= (29 if month == 2 and is_leap else DAYS[month])


TIME: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)([zZ]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?")


def is_time(text: str, needs_zone: bool = True) -> bool:
    found = TIME.fullmatch(text)
    if found is None:
        return False
    hour, minute, second = int(found[1]), int(found[2]), float(found[3])
    sign = -1 if found[5] == "-" else 1
    zone_hours, zone_minutes = int(found[6] or 0), int(found[7] or 0)
    if zone_hours > 23 or zone_minutes > 59 or (needs_zone and not found[4]):
        return False
    if hour <= 23 and minute <= 59 and second < 60:
        return True
    # A leap second.
    utc_minute = minute - zone_minutes * sign
    utc_hour = hour - zone_hours * sign - (1 if utc_minute < 0 else 0)
    return utc_hour in (23, -1) and utc_minute in (59, -1) and second < 61


# A T or what \s is in JavaScript.
SEPARATOR: Final = re.compile("[tT\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]")


def is_date_time(text: str, needs_zone: bool = True) -> bool:
    parts = SEPARATOR.split(text)
    return len(parts) == 2 and is_date(parts[0]) and is_time(parts[1], needs_zone)


# Copied from ajv-formats, which has them in functions.
URI: Final = r"""^(?:[a-z][a-z0-9+\-.]*:)(?:\/?\/(?:(?:[a-z0-9\-._~!$&'()*+,;=:]|%[0-9a-f]{2})*@)?(?:\[(?:(?:(?:(?:[0-9a-f]{1,4}:){6}|::(?:[0-9a-f]{1,4}:){5}|(?:[0-9a-f]{1,4})?::(?:[0-9a-f]{1,4}:){4}|(?:(?:[0-9a-f]{1,4}:){0,1}[0-9a-f]{1,4})?::(?:[0-9a-f]{1,4}:){3}|(?:(?:[0-9a-f]{1,4}:){0,2}[0-9a-f]{1,4})?::(?:[0-9a-f]{1,4}:){2}|(?:(?:[0-9a-f]{1,4}:){0,3}[0-9a-f]{1,4})?::[0-9a-f]{1,4}:|(?:(?:[0-9a-f]{1,4}:){0,4}[0-9a-f]{1,4})?::)(?:[0-9a-f]{1,4}:[0-9a-f]{1,4}|(?:(?:25[0-5]|2[0-4]\d|[01]?\d\d?)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d\d?))|(?:(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4})?::[0-9a-f]{1,4}|(?:(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?::)|[Vv][0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+)\]|(?:(?:25[0-5]|2[0-4]\d|[01]?\d\d?)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d\d?)|(?:[a-z0-9\-._~!$&'()*+,;=]|%[0-9a-f]{2})*)(?::\d*)?(?:\/(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})*)*|\/(?:(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})+(?:\/(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})*)*)?|(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})+(?:\/(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})*)*)(?:\?(?:[a-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-f]{2})*)?(?:#(?:[a-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-f]{2})*)?$"""
BYTE: Final = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def is_uri(text: str) -> bool:
    return ("/" in text or ":" in text) and matches(URI, "i", text)


def is_regex(text: str) -> bool:
    if re.search(r"[^\\]\\Z", text):
        return False
    try:
        regress.Regex(text)
    except regress.RegressError:
        return False
    return True


TEXT_FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "date": is_date,
    "time": is_time,
    "date-time": is_date_time,
    "iso-time": lambda text: is_time(text, needs_zone=False),
    "iso-date-time": lambda text: is_date_time(text, needs_zone=False),
    "uri": is_uri,
    "byte": lambda text: matches(BYTE, "m", text),
    "regex": is_regex,
    "password": lambda _: True,
    "binary": lambda _: True,
}

NUMBER_FORMATS: Final[dict[str, Callable[[float], bool]]] = {
    "int32": lambda number: numbers.is_integer(number) and -(2**31) <= number <= 2**31 - 1,
    "int64": numbers.is_integer,
    "float": lambda _: True,
    "double": lambda _: True,
}


class UnknownFormat(Exception):
    """A format that neither this module nor the contract knows."""


def fits(name: str, value: Value, expressions: dict[str, list[list[str]]]) -> bool:
    """
    Whether a value has a format. A format of texts says nothing about numbers, and the other way round.

    expressions: by format, the regular expressions (source and flags) that a text has to match all of.
    """
    if name in NUMBER_FORMATS:
        return not numbers.is_number(value) or NUMBER_FORMATS[name](value)
    if not isinstance(value, str):
        return True
    if name in TEXT_FORMATS:
        return TEXT_FORMATS[name](value)
    if name not in expressions:
        raise UnknownFormat(name)
    return all(matches(source, flags, value) for source, flags in expressions[name])
