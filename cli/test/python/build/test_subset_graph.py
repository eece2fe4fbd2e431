"""The graph of a build's nodes equals dbt's."""

from __future__ import annotations

import random

import networkx
import pytest
from dbt.graph.graph import Graph, UniqueId

from meetup_engine.build.subset_graph import subset_of


@pytest.mark.parametrize("seed", range(20))
def test_it_has_the_nodes_and_edges_of_dbts_own(seed: int) -> None:
    chance = random.Random(seed)
    nodes = [UniqueId(f"model.project.{number}") for number in range(40)]
    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    for at, node in enumerate(nodes):
        for later in nodes[at + 1 :]:
            if chance.random() < 0.08:
                graph.add_edge(node, later)
    selected = set(chance.sample(nodes, chance.choice([1, 5, 20, 39])))
    expected = Graph(graph).get_subset_graph(selected).graph
    found = subset_of(graph, selected)
    assert set(found.nodes) == set(expected.nodes)
    assert set(found.edges) == set(expected.edges)


def test_nothing_of_a_graph_is_an_empty_graph() -> None:
    assert len(subset_of(networkx.DiGraph([("a", "b")]), [])) == 0


def test_a_node_that_is_not_in_the_graph_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"model\.missing"):
        subset_of(networkx.DiGraph(), ["model.missing"])
