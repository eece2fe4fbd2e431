"""What is wrong with semantic models and metrics, which dbt only writes to its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbt.exceptions import ParsingError
from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from dbt_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator

from meetup_engine.project.metrics import definitions_of

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import Metric, SemanticModel


def invalid_metrics(manifest: Manifest) -> ParsingError | None:
    """The errors in the definitions of a manifest that dbt refused, as an error about the file of the first one."""
    # dbt only validates if there are both.
    if not manifest.metrics or not manifest.semantic_models:
        return None
    validator = SemanticManifestValidator[PydanticSemanticManifest]()
    found = validator.validate_semantic_manifest(definitions_of(manifest)).errors
    if not found:
        return None
    messages = list(dict.fromkeys(" ".join(error.message.split()) for error in found))
    return ParsingError("\n".join(messages), node=_named_in(messages[0], manifest))


def _named_in(message: str, manifest: Manifest) -> Metric | SemanticModel | None:
    """
    The definition that a message names first, itself or by a measure. Names in quotes come first, because a name may be an
    ordinary word.
    """
    models = list(manifest.semantic_models.values())
    named: list[tuple[str, Metric | SemanticModel]] = [
        *((metric.name, metric) for metric in manifest.metrics.values()),
        *((model.name, model) for model in models),
        *((measure.name, model) for model in models for measure in model.measures),
    ]
    found = [
        (not name["quote"], name.start(), definition)
        for word, definition in named
        for name in re.finditer(rf"(?P<quote>[`'\"]?)\b{re.escape(word)}\b", message)
    ]
    return min(found, key=lambda one: one[:2])[2] if found else None
