import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { Definitions, MetricDefinition, SemanticModel } from '../../src/metrics/definitions.ts';
import { metricViews, statementOf } from '../../src/metrics/metric-views.ts';
import { viewIn } from './view-in.ts';

const orders: SemanticModel = {
  name: 'orders',
  description: 'What was\n sold.',
  node_relation: { alias: 'fct_orders', schema_name: 'marts' },
  entities: [
    { name: 'order', type: 'primary', expr: 'order_id' },
    { name: 'customer', type: 'foreign', expr: 'customer_id' },
  ],
  dimensions: [
    { name: 'sold_on', expr: 'cast(sold_at as date)' },
    { name: 'is_paid', label: 'Paid' },
  ],
  measures: [
    { name: 'revenue', agg: 'sum', expr: 'price * amount' },
    { name: 'orders', agg: 'count', expr: 'order_id' },
    {
      name: 'stock',
      agg: 'max',
      non_additive_dimension: { name: 'sold_on', window_choice: 'max', window_groupings: [] },
    },
    { name: 'typical', agg: 'percentile', expr: 'price', agg_params: { percentile: 0.9 } },
  ],
};
const customers: SemanticModel = {
  name: 'customers',
  node_relation: { alias: 'dim-customers', schema_name: 'marts' },
  entities: [{ name: 'customer', type: 'primary', expr: 'customer_id' }],
  dimensions: [{ name: 'city' }, { name: 'loud_city', expr: 'upper(city)' }],
  measures: [{ name: 'people', agg: 'count', expr: 'customer_id' }],
};

const simple = (name: string, measure: string, template?: string): MetricDefinition => ({
  name,
  type: 'simple',
  type_params: { measure: { name: measure } },
  ...(template === undefined ? {} : { filter: { where_filters: [{ where_sql_template: template }] } }),
});
const ratio = (name: string, numerator: string, denominator: string): MetricDefinition => ({
  name,
  type: 'ratio',
  type_params: { numerator: { name: numerator }, denominator: { name: denominator } },
});

const viewsOf = (...metrics: readonly MetricDefinition[]) => {
  const definitions: Definitions = { semantic_models: [orders, customers], metrics: [...metrics] };
  return metricViews(definitions, 'main');
};

describe('a metric view', () => {
  it('has the dimensions, keys and joins of its mart, and its metrics as measures', () => {
    const { views, leftOut } = viewsOf(
      ratio('mean_price', 'revenue', 'sold'),
      simple('revenue', 'revenue'),
      simple('sold', 'orders', "{{ Dimension('order__is_paid') }}"),
      simple('stock', 'stock'),
      simple('dear', 'typical'),
    );
    expect(leftOut).toEqual([]);
    expect(views).toEqual([
      {
        name: 'orders',
        relation: 'main.marts.orders_metrics',
        view: {
          version: '1.1',
          comment: 'What was sold.',
          source: 'main.marts.fct_orders',
          joins: [
            {
              name: 'customers',
              source: 'main.marts.`dim-customers`',
              on: 'source.customer_id = customers.customer_id',
            },
          ],
          dimensions: [
            { name: 'sold_on', expr: 'cast(sold_at as date)' },
            { name: 'is_paid', display_name: 'Paid', expr: 'is_paid' },
            { name: 'order', expr: 'order_id' },
            { name: 'customer', expr: 'customer_id' },
            { name: 'customers_city', expr: 'customers.city' },
          ],
          measures: [
            { name: 'revenue', expr: 'sum(price * amount)' },
            { name: 'sold', expr: 'count(order_id) filter (where is_paid)' },
            {
              name: 'stock',
              expr: 'max(stock)',
              window: [{ order: 'sold_on', range: 'current', semiadditive: 'last' }],
            },
            { name: 'dear', expr: 'percentile(price, 0.9)' },
            { name: 'mean_price', expr: 'measure(revenue) / nullif(measure(sold), 0)' },
          ],
        },
      },
    ]);
  });

  it('has the filter that all its metrics share, which also decides which moment is the last', () => {
    const paid = "{{ Dimension('order__is_paid') }}";
    const [shared] = viewsOf(simple('stock', 'stock', paid), simple('revenue', 'revenue', paid)).views;
    expect(shared?.view).toMatchObject({ filter: 'is_paid', measures: [{ expr: 'max(stock)' }, {}] });
    const { views, leftOut } = viewsOf(simple('stock', 'stock', paid), simple('revenue', 'revenue'));
    expect(views[0]?.view.filter).toBeUndefined();
    expect(leftOut).toEqual([
      { metric: 'stock', reason: 'its filter, which other metrics of the mart lack, decides which moment is the last' },
    ]);
  });

  it('leaves out what it cannot express, and says why', () => {
    const { views, leftOut } = viewsOf(
      simple('people', 'people'),
      simple('revenue', 'revenue'),
      ratio('per_person', 'revenue', 'people'),
      simple('local', 'revenue', "{{ Dimension('customer__city') }} = 'Berlin'"),
      simple('mine', 'revenue', "{{ Entity('customer') }} = 1"),
      ratio('of_ratios', 'per_person', 'revenue'),
      { name: 'so_far', type: 'cumulative', type_params: { measure: { name: 'revenue' } } },
    );
    expect(views.map(({ name, view }) => [name, ...view.measures.map((measure) => measure.name)])).toEqual([
      ['orders', 'revenue'],
      ['customers', 'people'],
    ]);
    expect(leftOut).toEqual([
      { metric: 'local', reason: 'its filter reads customer__city, which another mart has' },
      { metric: 'mine', reason: 'its filter is more than dimensions of its mart' },
      { metric: 'so_far', reason: 'it is a cumulative metric' },
      { metric: 'per_person', reason: 'the metrics that it is made of are not measures of one mart' },
      { metric: 'of_ratios', reason: 'the metrics that it is made of are not measures of one mart' },
    ]);
  });

  it('is a statement whose definition nothing in it can end', async () => {
    const odd = { ...simple('revenue', 'revenue'), description: 'Ends $$ here; "quoted": yes' };
    const [view] = viewsOf(odd).views;
    if (view === undefined) throw new Error('There is no view');
    const text = statementOf(view);
    expect(text.split('$$')).toHaveLength(3);
    expect(viewIn(text)).toEqual({
      ...view.view,
      measures: [{ name: 'revenue', comment: 'Ends $ $ here; "quoted": yes', expr: 'sum(price * amount)' }],
    });
    const schema = JSON.parse(await readFile(new URL('metric-view.schema.json', import.meta.url), 'utf8'));
    expect(new Ajv2020().compile(schema)(viewIn(text))).toBe(true);
  });
});
