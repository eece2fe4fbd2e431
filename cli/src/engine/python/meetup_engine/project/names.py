"""What a node is called."""

from __future__ import annotations

from typing import Protocol


class Named(Protocol):
    """A node, a unit test or a hook."""

    @property
    def name(self) -> str: ...


def called(node: Named) -> str:
    """A node's name as dbt's selectors take it: the second version of the model `orders` is `orders.v2`."""
    return str(getattr(node, "search_name", node.name))
