"""Numbers as JavaScript reads and writes them, because `meetup load` judges and stores what JSON.parse gives."""

import re
from decimal import Decimal
from typing import Final, TypeGuard

DIGITS: Final = re.compile(r"-?[0-9]+")
MOST_SAFE: Final = 2**53 - 1
# From here on, JavaScript writes a number with an exponent.
EXPONENT_FROM: Final = 1e21


def text_of(number: float) -> str:
    """What JavaScript's String() gives for a finite number: the shortest digits that lead back to it."""
    if number == 0:
        return "0"
    sign, figures, shift = Decimal(repr(float(number))).normalize().as_tuple()
    assert isinstance(shift, int)
    digits = "".join(map(str, figures))
    point = len(digits) + shift
    minus = "-" if sign else ""
    if len(digits) <= point <= 21:
        return minus + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def is_integer(number: float) -> bool:
    """Whether a number is finite and has no fraction; in JSON, 1.0 is an integer."""
    return is_finite(number) and float(number).is_integer()


def is_finite(number: float) -> bool:
    return abs(number) != float("inf")


def is_safe(number: float) -> bool:
    """Whether no other integer is read as this one."""
    return is_integer(number) and abs(number) <= MOST_SAFE


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number. To JSON.parse, 1e400 is infinity, which is none to ajv."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and is_finite(value)
