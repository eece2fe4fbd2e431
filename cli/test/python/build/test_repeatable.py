"""Which statements return the same rows for the same tables, whatever their comments say."""

from __future__ import annotations

import pytest

from meetup_engine.build.repeatable import is_repeatable, reads_files


@pytest.mark.parametrize("comment", ["", "-- one\n", "-- now()\n", "/* random() */ "])
def test_a_comment_does_not_decide(comment: str) -> None:
    assert is_repeatable(f"{comment}select a from t")
    assert not is_repeatable(f"{comment}select now() from t")
    assert reads_files(f"{comment}select * from read_csv('x')")


def test_a_comment_inside_of_a_call_hides_nothing() -> None:
    assert not is_repeatable("select now /* today */ () from t")
