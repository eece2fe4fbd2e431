"""Hashes seed files, because dbt identifies files larger than 1 MiB only by their path."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from meetup_engine.project.files import signature_of

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ManifestNode

_known: dict[str, tuple[object, str]] = {}


def content_of(seed: ManifestNode) -> str:
    """A hash of a seed's file; `absent` if it doesn't exist."""
    path = os.path.join(getattr(seed, "root_path", None) or "", seed.original_file_path)
    try:
        with open(path, "rb") as file:
            seen = signature_of(os.fstat(file.fileno()))
            known = _known.get(path)
            if seen is not None and known is not None and known[0] == seen:
                return known[1]
            content = hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return "absent"
    _known[path] = (seen, content)
    return content
