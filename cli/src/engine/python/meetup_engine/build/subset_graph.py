"""The order of some nodes of a graph, without copying the whole graph as dbt does."""

from __future__ import annotations

from collections.abc import Collection

import networkx


def subset_of(graph: networkx.DiGraph, selected: Collection[str]) -> networkx.DiGraph:
    """
    A graph of the selected nodes with an edge from one to another if the second depends on the first, directly or through nodes that
    are not selected. The same as dbt's `get_subset_graph`.
    @raises ValueError if a node isn't in the graph.
    """
    subset = networkx.DiGraph()
    subset.add_nodes_from(selected)
    for start in selected:
        if start not in graph:
            raise ValueError(f"{start} is not in dbt's graph.")
        seen: set[str] = set()
        pending = list(graph.successors(start))
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if node not in subset:
                pending.extend(graph.successors(node))
            elif node != start:
                subset.add_edge(start, node)
    return subset
