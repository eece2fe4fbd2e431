import { stringify } from 'yaml';
import type { Definitions, SemanticModel } from './definitions.ts';
import { descriptionOf, type Field, isWritable, oneLine, quoted } from './view-fields.ts';
import { type ModelMeasures, type ViewMeasure, viewMeasures } from './view-measures.ts';

/** A metric view of Databricks' Unity Catalog, by version 1.1 of its YAML. */
export interface MetricView {
  readonly version: string;
  readonly comment?: string;
  readonly source: string;
  /** Of all measures. */
  readonly filter?: string;
  readonly joins?: readonly { readonly name: string; readonly source: string; readonly on: string }[];
  readonly dimensions: readonly Field[];
  readonly measures: readonly ViewMeasure[];
}

export interface NamedView {
  /** Of the semantic model. */
  readonly name: string;
  /** The view's own name, of three quoted parts. */
  readonly relation: string;
  readonly view: MetricView;
}

export interface MetricViews {
  /** One for each semantic model with metrics. */
  readonly views: readonly NamedView[];
  /** Metrics that a metric view can't express, and why. */
  readonly leftOut: readonly { readonly metric: string; readonly reason: string }[];
}

/** Databricks' metric views with the same meaning as the metrics, in one catalog. Expressions stay as they are written. */
export function metricViews(definitions: Definitions, catalog: string): MetricViews {
  const { measures, leftOut } = viewMeasures(definitions);
  const views = definitions.semantic_models.flatMap((model): NamedView[] => {
    const own = measures.get(model.name);
    if (own === undefined) return [];
    // A mart may have several semantic models.
    const relation = quoted(catalog, model.node_relation.schema_name, `${model.name}_metrics`);
    return [{ name: model.name, relation, view: viewOf(model, own, definitions, catalog) }];
  });
  return { views, leftOut };
}

/** The statement that makes a metric view. */
export function statementOf({ relation, view }: NamedView): string {
  return `create or replace view ${relation}\nwith metrics\nlanguage yaml\nas $$\n${stringify(view, { lineWidth: 0 })}$$;\n`;
}

function viewOf(
  model: SemanticModel,
  { filter, measures }: ModelMeasures,
  { semantic_models: models }: Definitions,
  catalog: string,
): MetricView {
  const joined = joinsOf(model, models);
  const own = model.dimensions.map((one): Field => ({ ...descriptionOf(one), expr: one.expr ?? quoted(one.name) }));
  const keys = model.entities.map((one): Field => ({ ...descriptionOf(one), expr: one.expr ?? quoted(one.name) }));
  const fields = [...own, ...keys, ...joined.flatMap(({ to }) => fieldsOf(to))];
  const taken = new Set(measures.map(({ name }) => name));
  const sourceOf = ({ node_relation: { alias, schema_name: schema } }: SemanticModel): string =>
    quoted(catalog, schema, alias);
  return {
    version: '1.1',
    ...(model.description ? { comment: oneLine(model.description) } : {}),
    source: sourceOf(model),
    ...(filter === undefined ? {} : { filter }),
    ...(joined.length === 0
      ? {}
      : { joins: joined.map(({ to, on }) => ({ name: to.name, source: sourceOf(to), on })) }),
    dimensions: fields.filter((field, i) => {
      const isFirst = fields.findIndex(({ name }) => name === field.name) === i;
      return isFirst && !taken.has(field.name) && isWritable(field);
    }),
    measures,
  };
}

interface Join {
  readonly to: SemanticModel;
  readonly on: string;
}

/** The marts that a foreign key leads to. */
function joinsOf(model: SemanticModel, models: readonly SemanticModel[]): Join[] {
  return model.entities.flatMap((foreign) => {
    const to = models.find(
      (one) => one !== model && one.entities.some(({ name, type }) => type === 'primary' && name === foreign.name),
    );
    const key = to?.entities.find(({ name }) => name === foreign.name);
    if (foreign.type !== 'foreign' || to === undefined || key === undefined) return [];
    const [from, other] = [columnOf(foreign), columnOf(key)];
    return from === undefined || other === undefined
      ? []
      : [{ to, on: `source.${from} = ${quoted(to.name)}.${other}` }];
  });
}

/** The dimensions of a joined mart that are plain columns; an expression would have to name the mart in front of each column. */
function fieldsOf(model: SemanticModel): Field[] {
  return model.dimensions.flatMap((dimension) => {
    const column = columnOf(dimension);
    if (column === undefined) return [];
    const name = `${model.name}_${dimension.name}`;
    return [{ ...descriptionOf(dimension), name, expr: `${quoted(model.name)}.${column}` }];
  });
}

/** The column, if an element is no more than that. */
function columnOf({
  name,
  expr,
}: {
  readonly name: string;
  readonly expr?: string | null | undefined;
}): string | undefined {
  const column = expr ?? name;
  return /^\w+$/.test(column) ? quoted(column) : undefined;
}
