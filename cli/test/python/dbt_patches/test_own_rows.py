"""The copy of expected rows that dbt makes is independent of the originals."""

from __future__ import annotations

import copy

from meetup_engine.dbt_patches.unit_test_columns import OwnRows


def test_a_copy_is_equal_and_shares_nothing_that_can_be_modified() -> None:
    rows = OwnRows([{"id": 1, "tags": ["a"], "place": {"city": "x"}, "none": None}])
    copied = copy.deepcopy(rows)
    assert copied == [{"id": 1, "tags": ["a"], "place": {"city": "x"}, "none": None}]
    copied[0]["tags"].append("b")
    copied[0]["place"]["city"] = "y"
    copied[0]["id"] = 2
    assert rows == [{"id": 1, "tags": ["a"], "place": {"city": "x"}, "none": None}]
