"""Which hooks only record a run."""

from __future__ import annotations

import pytest

from meetup_engine.build.record_hooks import only_records


@pytest.mark.parametrize(
    "hook", ["{{ meetup_run_begins() }}", "{{ meetup_run_ends(results) }}", " {{meetup_run_begins( )}}\n"]
)
def test_a_hook_that_only_records_a_run_is_recognised(hook: str) -> None:
    assert only_records(hook)


@pytest.mark.parametrize(
    "hook", ["{{ meetup_run_begins() }} delete from t", "{{ grant_all() }}", "select 'meetup_run_begins()'"]
)
def test_a_hook_that_does_more_is_a_hook_like_any_other(hook: str) -> None:
    assert not only_records(hook)
