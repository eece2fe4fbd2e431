import type { Definitions, Measure, MetricDefinition, MetricInput, SemanticModel } from './definitions.ts';
import { descriptionOf, type Field, isWritable, quoted } from './view-fields.ts';

export interface ViewMeasure extends Field {
  readonly window?: readonly { readonly order: string; readonly range: 'current'; readonly semiadditive: string }[];
}

/** The measures of one metric view. */
export interface ModelMeasures {
  /** What all of them count. */
  readonly filter?: string;
  /** A measure only names measures before it. */
  readonly measures: readonly ViewMeasure[];
}

export interface ViewMeasures {
  /** By semantic model. */
  readonly measures: ReadonlyMap<string, ModelMeasures>;
  /** Metrics that a metric view can't express, and why. */
  readonly leftOut: readonly { readonly metric: string; readonly reason: string }[];
}

/** Why a metric has no place in a metric view, as a clause. */
class Inexpressible extends Error {}

/** The metrics as measures of metric views, each in that of the semantic model that it is computed from. */
export function viewMeasures(definitions: Definitions): ViewMeasures {
  const leftOut: { metric: string; reason: string }[] = [];
  const attempt = <T>(metric: MetricDefinition, work: () => T): T[] => {
    try {
      return [work()];
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error;
      leftOut.push({ metric: metric.name, reason: error.message });
      return [];
    }
  };
  const simple = definitions.metrics
    .filter((metric) => !isRatio(metric))
    .flatMap((metric) => attempt(metric, () => partsOf(metric, definitions)));
  const measures = new Map<string, ModelMeasures>();
  for (const model of new Set(simple.map((parts) => parts.model))) {
    const own = simple.filter((parts) => parts.model === model);
    const filter = sharedFilter(own);
    const written = own.flatMap((parts) => attempt(parts.metric, () => measureOf(parts, filter !== undefined)));
    const known = new Set(written.map(({ name }) => name));
    const ratios = definitions.metrics.filter((metric) => isRatio(metric) && isMadeOf(metric, known));
    const all = [...written, ...ratios.flatMap((metric) => attempt(metric, () => ratioOf(metric)))];
    if (all.length > 0) measures.set(model.name, { ...(filter === undefined ? {} : { filter }), measures: all });
  }
  const placed = new Set([...measures.values()].flatMap((one) => one.measures.map(({ name }) => name)));
  for (const { name } of definitions.metrics.filter(isRatio)) {
    if (placed.has(name) || leftOut.some(({ metric }) => metric === name)) continue;
    leftOut.push({ metric: name, reason: 'the metrics that it is made of are not measures of one mart' });
  }
  return { measures, leftOut };
}

const isRatio = ({ type }: MetricDefinition): boolean => type === 'ratio';

const isMadeOf = ({ type_params: { numerator, denominator } }: MetricDefinition, known: ReadonlySet<string>): boolean =>
  known.has(numerator?.name ?? '') && known.has(denominator?.name ?? '');

/** A simple metric, taken apart. */
interface Parts {
  readonly metric: MetricDefinition;
  readonly model: SemanticModel;
  readonly measure: Measure;
  readonly conditions: readonly string[];
}

function partsOf(metric: MetricDefinition, { semantic_models: models }: Definitions): Parts {
  const input = metric.type_params.measure;
  if (metric.type !== 'simple' || !input) throw new Inexpressible(`it is a ${metric.type} metric`);
  for (const model of models) {
    const measure = model.measures.find(({ name }) => name === input.name);
    if (measure === undefined) continue;
    const conditions = [metric.filter, input.filter].flatMap((filter) =>
      (filter?.where_filters ?? []).map(({ where_sql_template: template }) => conditionOf(template, model)),
    );
    return { metric, model, measure, conditions };
  }
  throw new Inexpressible('its measure is in no mart');
}

/** The filter of all metrics of a semantic model, if they have the same one. It then also decides which moment is the last. */
function sharedFilter(all: readonly Parts[]): string | undefined {
  const [first, ...others] = all.map(({ conditions }) => conditionsOf(conditions));
  return first !== undefined && others.every((one) => one === first) ? first : undefined;
}

const conditionsOf = (conditions: readonly string[]): string | undefined =>
  conditions.length === 0
    ? undefined
    : conditions.map((one) => (conditions.length === 1 ? one : `(${one})`)).join(' and ');

function measureOf({ metric, measure, conditions }: Parts, isFiltered: boolean): ViewMeasure {
  const filter = isFiltered ? undefined : conditionsOf(conditions);
  if (filter !== undefined && measure.non_additive_dimension) {
    throw new Inexpressible('its filter, which other metrics of the mart lack, decides which moment is the last');
  }
  const expr = `${aggregate(measure)}${filter === undefined ? '' : ` filter (where ${filter})`}`;
  const written = { ...descriptionOf(metric), expr, ...windowOf(measure) };
  if (!isWritable(written)) throw new Inexpressible('its expression contains $$');
  return written;
}

function ratioOf(metric: MetricDefinition): ViewMeasure {
  const { numerator, denominator } = metric.type_params;
  if (metric.filter) throw new Inexpressible('it is a ratio with a filter');
  // An empty denominator has no share, as in MetricFlow.
  const expr = `measure(${named(numerator)}) / nullif(measure(${named(denominator)}), 0)`;
  return { ...descriptionOf(metric), expr };
}

function named(input: MetricInput | null | undefined): string {
  const { name = '', filter, offset_window: window, offset_to_grain: grain } = input ?? {};
  if (filter) throw new Inexpressible('it filters a metric that it is made of');
  if (window || grain) throw new Inexpressible('it compares two moments');
  return quoted(name);
}

function aggregate({ name, expr, agg, agg_params: params }: Measure): string {
  const of = expr ?? quoted(name);
  const simple = { sum: 'sum', average: 'avg', min: 'min', max: 'max', count: 'count', median: 'median' };
  if (agg === 'sum_boolean') return `count_if(${of})`;
  if (agg === 'count_distinct') return `count(distinct ${of})`;
  if (agg === 'percentile' && typeof params?.percentile === 'number' && params.use_discrete_percentile !== true) {
    return `percentile(${of}, ${params.percentile})`;
  }
  const known = Object.entries(simple).find(([one]) => one === agg);
  if (known === undefined) throw new Inexpressible(`its measure is a ${agg}`);
  return `${known[1]}(${of})`;
}

/** What can't be added over time is that of the first or last moment. */
function windowOf({ non_additive_dimension: along }: Measure): Pick<ViewMeasure, 'window'> {
  if (!along) return {};
  if (along.window_groupings.length > 0) throw new Inexpressible('its last moment differs by group');
  const semiadditive = along.window_choice === 'max' ? 'last' : 'first';
  return { window: [{ order: along.name, range: 'current', semiadditive }] };
}

const DIMENSION = /\{\{\s*(?:Dimension|TimeDimension)\(\s*(['"])(\w+)\1[^)]*\)\s*\}\}/g;

/** A filter in which dimensions of the mart itself are written as their expressions. */
function conditionOf(template: string, model: SemanticModel): string {
  const condition = template.replaceAll(DIMENSION, (_, _quote: string, path: string) => {
    const [entity, name, ...deeper] = path.split('__');
    const known =
      model.primary_entity === entity || model.entities.some((one) => one.name === entity && one.type === 'primary');
    const dimension = known && deeper.length === 0 ? model.dimensions.find((one) => one.name === name) : undefined;
    if (dimension === undefined) throw new Inexpressible(`its filter reads ${path}, which another mart has`);
    return dimension.expr ?? quoted(dimension.name);
  });
  if (condition.includes('{{')) throw new Inexpressible('its filter is more than dimensions of its mart');
  return condition;
}
