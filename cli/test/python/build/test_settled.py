"""What the last build left up to date, and when that still holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import networkx
import pytest
from dbt.graph.graph import Graph

from meetup_engine.build.fingerprints import Fingerprint
from meetup_engine.build.settled import Basis, Settled, settled_by

# stg → mart → dash; other stands alone; unit tests test mart and other.
GRAPH = Graph(networkx.DiGraph([("stg", "mart"), ("mart", "dash"), ("mart", "test_mart"), ("lone", "other")]))
NODES = ("stg", "mart", "dash", "test_mart", "lone", "other", "unit_mart", "unit_other")


def manifest() -> Any:  # noqa: ANN401 - the part of a manifest that is read
    def testing(name: str) -> SimpleNamespace:
        return SimpleNamespace(depends_on=SimpleNamespace(nodes=[name]))

    return SimpleNamespace(unit_tests={"unit_mart": testing("mart"), "unit_other": testing("other")})


def fingerprint(*, volatile: bool = False, reads_files: bool = False, any_environment: bool = False) -> Fingerprint:
    return Fingerprint("whole", "around", volatile, not reads_files, reads_files, True, any_environment)


def parts(**others: Fingerprint) -> dict[str, Fingerprint]:
    return {name: others.get(name) or fingerprint() for name in NODES}


def basis() -> Basis:
    nothing: Any = object()
    return Basis(parses=3, fingerprints=nothing, snapshot=nothing, records="text", environment={"REGION": "hash"})


def settled(before: Basis, known: Mapping[str, Fingerprint], touched: frozenset[str] = frozenset()) -> Settled:
    return settled_by(before, known, touched, manifest(), GRAPH)


def test_after_a_build_that_had_nothing_to_do_everything_is_settled() -> None:
    before, known = basis(), parts()
    assert settled(before, known).still(replace(before), dict(known), manifest(), GRAPH) == set(NODES)


def test_what_the_build_may_have_run_is_compared_again() -> None:
    before, known = basis(), parts()
    touched = frozenset({"mart", "dash", "test_mart", "unit_mart"})
    assert settled(before, known, touched).still(before, known, manifest(), GRAPH) == set(NODES) - touched


def test_an_edited_model_is_compared_again_with_all_below_it_and_their_unit_tests() -> None:
    before, known = basis(), parts()
    now = {**known, "stg": fingerprint()}
    assert settled(before, known).still(before, now, manifest(), GRAPH) == {"lone", "other", "unit_other"}


def test_an_edited_unit_test_is_compared_again() -> None:
    before, known = basis(), parts()
    now = {**known, "unit_mart": fingerprint()}
    assert settled(before, known).still(before, now, manifest(), GRAPH) == set(NODES) - {"unit_mart"}


@pytest.mark.parametrize("unclear", ["volatile", "reads_files", "any_environment"])
def test_nothing_below_a_node_with_unknown_inputs_is_ever_settled(unclear: str) -> None:
    before, known = basis(), parts(lone=fingerprint(**{unclear: True}))
    still = settled(before, known).still(before, known, manifest(), GRAPH)
    assert still == {"stg", "mart", "dash", "test_mart", "unit_mart"}


@pytest.mark.parametrize(
    "changed",
    [
        {"parses": 4},
        {"fingerprints": object()},
        {"snapshot": object()},
        {"records": "another text"},
        {"records": None},
        {"environment": {"REGION": "another hash"}},
    ],
)
def test_nothing_is_settled_once_anything_else_that_decides_has_changed(changed: dict[str, Any]) -> None:
    before, known = basis(), parts()
    assert not settled(before, known).still(replace(before, **changed), known, manifest(), GRAPH)


def test_nothing_is_settled_if_there_are_other_nodes() -> None:
    before, known = basis(), parts()
    assert not settled(before, known).still(before, {**known, "new": fingerprint()}, manifest(), GRAPH)
