"""Which templates can read their own node."""

from __future__ import annotations

import pytest

from meetup_engine.build.fingerprints import looks_at_node


@pytest.mark.parametrize(
    "jinja",
    [
        "model",
        "model.description",
        "model['description']",
        "model | attr('description')",
        "model.names",
        "model.config",
        "model.config.to_dict()",
        "model.config.get('docs')",
        "node.tags",
        "config",
        "config.get(key)",
    ],
)
def test_a_template_that_names_its_node_can_read_all_of_it(jinja: str) -> None:
    assert looks_at_node(jinja)


@pytest.mark.parametrize(
    "jinja",
    [
        "model.config.meta.states",
        "model.config.meta['states']",
        "model.name ~ '__seen'",
        "config.get('meta')",
        "remodel",
    ],
)
def test_a_template_that_reads_a_named_configuration_cannot_read_its_description(jinja: str) -> None:
    assert not looks_at_node(jinja)
