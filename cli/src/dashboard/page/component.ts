import { z } from 'zod';
import type { Component, ComponentKind } from './types.ts';

const name = z.string().regex(/^\w+$/, 'is not the name of a query');
const column = z.string().min(1);
const format = z.enum(['integer', 'decimal', 'percent', 'date', 'moment', 'text']);
const common = {
  query: name,
  title: z.string().min(1),
  /** What the numbers mean, if the description of the mart doesn't say it. */
  about: z.string().optional(),
  /** What it means if there are no rows. */
  empty: z.string().optional(),
  /** The metrics that it shows. */
  metric: z
    .string()
    .regex(/^\w+(\s*,\s*\w+)*$/, 'is not a name, or several separated by commas')
    .optional(),
};

/** The components and their attributes. docs/dashboard.md describes them. */
export const componentSchemas = {
  chart: z.strictObject({
    ...common,
    type: z.enum(['bar', 'line', 'area', 'dot', 'interval', 'heat']),
    x: column,
    y: column,
    color: column.optional(),
    low: column.optional(),
    high: column.optional(),
    label: column.optional(),
    'x-label': z.string().optional(),
    'y-label': z.string().optional(),
    format: format.optional(),
    /** The value of a line that is drawn across the chart. */
    rule: z.string().optional(),
    /** Shows only the first categories. */
    limit: z.string().regex(/^\d+$/, 'is not a number').optional(),
  }),
  table: z.strictObject({
    ...common,
    /** `column`, `column: Label` or `column: Label (format)`, separated by commas; all columns if it is left out. */
    columns: z.string().optional(),
    /** `column: page.html?input={other column}` makes the values of a column links to another page. */
    link: z
      .string()
      .regex(/^\w+:\s*[\w-]+\.html(\?\S*)?$/, 'is not column: page.html?input={column}')
      .optional(),
    rows: z.string().regex(/^\d+$/, 'is not a number').optional(),
  }),
  value: z.strictObject({ ...common, column, format: format.optional(), note: column.optional() }),
  map: z.strictObject({
    ...common,
    latitude: column,
    longitude: column,
    label: column,
    size: column.optional(),
    color: column.optional(),
    places: column.optional(),
  }),
} as const satisfies Record<ComponentKind, z.ZodType>;

/** The names in the attribute `metric`. */
export const metricsOf = ({ attributes }: Pick<Component, 'attributes'>): readonly string[] =>
  attributes.metric === undefined ? [] : attributes.metric.split(',').map((one) => one.trim());

export const isComponentKind = (tag: string): tag is ComponentKind => Object.hasOwn(componentSchemas, tag);
