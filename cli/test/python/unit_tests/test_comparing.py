from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from meetup_engine.unit_tests.comparing import SHOWN_ROWS, compare, key_of, of_lost, text_of
from meetup_engine.unit_tests.literals import LostCell

NAMES = ["id", "name", "amount", "side"]


def rows(side: str, *values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [(*value, side) for value in values]


def test_the_same_rows_in_another_order_are_equal() -> None:
    actual, expected = rows("actual", (1, "a", 2.0), (2, "b", None)), rows("expected", (2, "b", None), (1, "a", 2.0))
    assert compare(NAMES, [*actual, *expected]) is None


def test_a_row_that_is_expected_twice_has_to_occur_twice() -> None:
    found = compare(NAMES, [*rows("actual", (1, "a", 2)), *rows("expected", (1, "a", 2), (1, "a", 2))])
    assert found is not None
    assert (found["counts"]["missing"], found["counts"]["extra"]) == (1, 0)


@pytest.mark.parametrize(("one", "other"), [("1", 1), (None, "null"), (0.0, None), ([1], [2]), ({"a": 1}, {"a": 2})])
def test_values_with_another_type_or_content_differ(one: object, other: object) -> None:
    found = compare(["x", "side"], [(one, "actual"), (other, "expected")])
    assert found is not None
    assert found["counts"]["differing"] + found["counts"]["missing"] == 1


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ((1,), (True,)), ("NaN", float("nan"))])
def test_rows_in_another_order_differ_if_python_alone_takes_two_values_for_equal(one: object, other: object) -> None:
    actual, expected = [("a", one), ("b", other)], [("b", other), ("a", other)]
    assert compare(
        ["x", "y", "side"], [*((*row, "actual") for row in actual), *((*row, "expected") for row in expected)]
    )


@pytest.mark.parametrize("value", [float("nan"), -0.0, [float("nan")], {"a": [1, None]}, decimal.Decimal("1.10")])
def test_a_value_equals_itself(value: object) -> None:
    assert compare(["x", "side"], [(value, "actual"), (value, "expected")]) is None


def test_a_timestamp_is_equal_in_every_time_zone() -> None:
    utc = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)
    other = utc.astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    assert key_of(utc) == key_of(other)
    assert key_of(utc) != key_of(utc.replace(tzinfo=None))


def test_values_of_different_types_have_different_keys() -> None:
    assert len({key_of(value) for value in (1, True, "1", None, (1,), {"a": 1})}) == 6


def test_rows_that_agree_in_half_of_their_cells_are_shown_as_one_differing_row() -> None:
    actual = rows("actual", (1, "a", 5), (2, "b", 6))
    expected = rows("expected", (1, "a", 7), (2, "b", 6))
    found = compare(NAMES, [*actual, *expected])
    assert found is not None
    assert found["differing"] == [{"expected": ["1", "7"], "actual": ["1", "5"], "at": ["amount"], "row": 0}]
    assert found["columns"] == ["id", "amount"]


def test_rows_with_nothing_in_common_are_shown_as_missing_and_extra() -> None:
    actual = rows("actual", (8, "x", 1), (9, "y", 2))
    expected = rows("expected", (1, "a", 7), (2, "b", 6))
    found = compare(NAMES, [*actual, *expected])
    assert found is not None
    assert found["missing"] == [{"cells": ["1", "'a'", "7"], "row": 0}, {"cells": ["2", "'b'", "6"], "row": 1}]
    assert found["extra"] == [{"cells": ["8", "'x'", "1"]}, {"cells": ["9", "'y'", "2"]}]


def test_the_number_of_shown_rows_is_limited() -> None:
    expected = [(number, "expected") for number in range(SHOWN_ROWS * 3)]
    found = compare(["id", "side"], expected)
    assert found is not None
    assert len(found["missing"]) == SHOWN_ROWS
    assert found["counts"]["missing"] == SHOWN_ROWS * 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("it's", "'it''s'"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        ([1, None], "[1, null]"),
        ({"a": "b"}, "{a: 'b'}"),
    ],
)
def test_a_value_is_shown_as_it_is_written_in_a_unit_test(value: object, text: str) -> None:
    assert text_of(value) == text


def test_a_cell_that_was_changed_by_a_cast_is_shown_with_the_result_of_the_cast() -> None:
    all_rows = [*rows("actual", (1, "a", 2)), *rows("expected", (1, "a", 2))]
    found = of_lost(NAMES, all_rows, [LostCell(0, "Amount", "2.004", "2.00")])
    assert found is not None
    assert found["differing"] == [{"expected": ["'2.004'"], "actual": ["2.00"], "at": ["amount"], "row": 0}]
    assert found["counts"] == {"missing": 0, "extra": 0, "differing": 1, "expected": 1, "actual": 1}


def test_there_is_no_difference_without_a_lost_cell() -> None:
    assert of_lost(NAMES, [], []) is None
