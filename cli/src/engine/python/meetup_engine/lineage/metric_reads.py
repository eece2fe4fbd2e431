"""The columns that semantic models and metrics read, as far as their definitions tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from meetup_engine.lineage.reads import DIALECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dbt.artifacts.resources.v1.metric import MetricInput
    from dbt.artifacts.resources.v1.semantic_model import Dimension, Entity, Measure
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import Metric, SemanticModel

# (unique id of a model, column in lower case)
Column = tuple[str, str]

# `Dimension('order__is_paid')` and its relatives in a filter. `Metric('…')` names another metric.
_CALL = re.compile(r"\b(Dimension|TimeDimension|Entity|Metric)\(\s*(['\"])(?P<name>\w+)\2")


class Unresolved(Exception):
    """An expression can't be read, so that any column may be in it."""


class MetricReads:
    """Resolves names of measures, dimensions and entities to columns of models."""

    def __init__(self, manifest: Manifest) -> None:
        self._models = list(manifest.semantic_models.values())
        self._metrics = {metric.name: metric for metric in manifest.metrics.values()}

    def of_semantic_model(self, model: SemanticModel) -> list[Column] | None:
        """None: any column of its model."""
        elements: list[Measure | Dimension | Entity] = [*model.measures, *model.dimensions, *model.entities]
        try:
            return sorted({column for element in elements for column in _columns_in(element, model)})
        except Unresolved:
            return None

    def of_metric(self, metric: Metric) -> list[Column] | None:
        """What its measures and filters read, and those of the metrics that it is made of. None: any column of its models."""
        try:
            found = {column for one in self._inputs(metric) for column in self._own(one)}
        except Unresolved:
            return None
        return sorted(found) or None

    def _inputs(self, metric: Metric, seen: frozenset[str] = frozenset()) -> Iterator[Metric]:
        """The metric itself, and all metrics that it is made of or that its filters name."""
        if metric.name in seen:
            return
        yield metric
        named = [one.name for one in _inputs_of(metric)]
        named += [found["name"] for found in _calls_in(metric) if found[1] == "Metric"]
        for name in named:
            if name in self._metrics:
                yield from self._inputs(self._metrics[name], seen | {metric.name})

    def _own(self, metric: Metric) -> Iterator[Column]:
        if metric.type_params.conversion_type_params is not None:
            raise Unresolved("a conversion compares properties of two events")
        for measure in metric.type_params.input_measures:
            yield from self._measure(measure.name)
        for call in _calls_in(metric):
            if call[1] != "Metric":
                yield from self._named(call["name"])

    def _measure(self, name: str) -> Iterator[Column]:
        for model in self._models:
            for measure in model.measures:
                if measure.name != name:
                    continue
                yield from _columns_in(measure, model)
                along = [measure.agg_time_dimension or (model.defaults.agg_time_dimension if model.defaults else None)]
                along += [measure.non_additive_dimension.name if measure.non_additive_dimension else None]
                for dimension in model.dimensions:
                    if dimension.name in along:
                        yield from _columns_in(dimension, model)

    def _named(self, path: str) -> Iterator[Column]:
        """`entity__dimension` or `entity`, wherever it is defined: which of several is meant depends on the query."""
        *entities, last = path.split("__")
        if last == "metric_time" or (entities and entities[0] == "metric_time"):
            return
        found = False
        for model in self._models:
            for dimension in model.dimensions:
                if entities and dimension.name == last and self._has(model, entities[-1]):
                    found = True
                    yield from _columns_in(dimension, model)
            for entity in model.entities:
                if entity.name in (*entities, last):
                    found = found or entity.name == last
                    yield from _columns_in(entity, model)
        if not found:
            raise Unresolved(path)

    @staticmethod
    def _has(model: SemanticModel, entity: str) -> bool:
        return model.primary_entity == entity or any(one.name == entity for one in model.entities)


def _inputs_of(metric: Metric) -> list[MetricInput]:
    """The metrics that a ratio or a derived metric is made of."""
    parameters = metric.type_params
    return [one for one in (parameters.numerator, parameters.denominator, *(parameters.metrics or ())) if one]


def _calls_in(metric: Metric) -> Iterator[re.Match[str]]:
    """The names in all filters of a metric: its own, and those of its inputs."""
    of_measures = [measure.filter for measure in metric.type_params.input_measures]
    of_metrics = [one.filter for one in _inputs_of(metric)]
    for filters in (metric.filter, *of_measures, *of_metrics):
        for one in filters.where_filters if filters else ():
            yield from _CALL.finditer(one.where_sql_template)


def _columns_in(element: Measure | Dimension | Entity, model: SemanticModel) -> Iterable[Column]:
    """The columns in an element's expression, which is its own name if there is none. @raise Unresolved"""
    node = _model_of(model)
    if node is None:
        raise Unresolved(model.name)
    try:
        expression = parse_one(str(element.expr or element.name), dialect=DIALECT)
    except SqlglotError as error:
        raise Unresolved(str(error)) from error
    return [(node, column.name.lower()) for column in expression.find_all(exp.Column)]


def _model_of(model: SemanticModel) -> str | None:
    return next(iter(model.depends_on_nodes), None)
