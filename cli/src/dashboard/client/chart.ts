import * as Plot from '@observablehq/plot';
import { formatOf, formatValue, type ShownColumn, shownColumns, words } from '../shared/format.ts';
import type { ComponentScript, Rows } from '../shared/types.ts';
import { type Datum, datumsOf, kindOf } from './columns.ts';
import { labelled } from './labelled.ts';

/** The names of a chart's columns, from its attributes. */
interface Channels {
  readonly x: string;
  readonly y: string;
  readonly color: string | undefined;
  readonly low: string | undefined;
  readonly high: string | undefined;
}

interface Drawing {
  readonly data: Datum[];
  readonly rows: Rows;
  readonly channels: Channels;
  readonly attributes: ComponentScript['attributes'];
  readonly width: number;
}

/** The columns that a chart needs. */
export const chartColumns = ({ attributes: { x = '', y, color, low, high, label } }: ComponentScript) => [
  ...shownColumns(x, []).map(({ name }) => name),
  y,
  color,
  low,
  high,
  label,
];

/** Draws a chart as SVG. */
export function drawChart(component: ComponentScript, all: Rows, width: number): Element {
  const { attributes, title } = component;
  const { x: given = '', y = '', low, high, limit } = attributes;
  const some = limit === undefined ? all : firstCategories(all, y, Number(limit));
  const parts = shownColumns(given, []);
  const rows = parts.length > 1 ? folded(some, parts) : some;
  const [x, color] = parts.length > 1 ? [FOLDED.value, FOLDED.part] : [given, attributes.color];
  const drawing: Drawing = { data: [...datumsOf(rows)], rows, channels: { x, y, color, low, high }, attributes, width };
  const plot = Plot.plot({ ...optionsOf(drawing, title), marks: marksOf(drawing) });
  return labelled(plot, `Chart: ${title}. The same numbers are in the table below.`);
}

/** The names of the columns that several columns of x are folded into. */
const FOLDED = { value: 'value', part: 'part' };

/** One row for each of several columns, such as the parts of a sum. */
function folded({ columns, rows }: Rows, parts: readonly ShownColumn[]): Rows {
  const places = parts.map(({ name, label }) => ({ at: columns.findIndex((column) => column.name === name), label }));
  return {
    columns: [...columns, { name: FOLDED.value, type: 'DOUBLE' }, { name: FOLDED.part, type: 'VARCHAR' }],
    rows: rows.flatMap((row) => places.map(({ at, label }) => [...row, row[at] ?? null, label])),
  };
}

/** The rows of the first categories, in the order of the rows. */
function firstCategories({ columns, rows }: Rows, name: string, most: number): Rows {
  const at = columns.findIndex((column) => column.name === name);
  const kept = new Set([...new Set(rows.map((row) => row[at]))].slice(0, most));
  return { columns, rows: rows.filter((row) => kept.has(row[at])) };
}

function optionsOf(
  { rows, channels: { x, y, color }, attributes, width, data }: Drawing,
  title: string,
): Plot.PlotOptions {
  const format = formatOf(attributes.format);
  const tickFormat =
    format === undefined
      ? undefined
      : (value: unknown) => formatValue(typeof value === 'number' ? value : String(value), format);
  const isSideways = kindOf(rows, y) === 'text';
  const names = new Set(data.map((datum) => String(datum[y] ?? '')));
  const longest = Math.max(0, ...[...names].map((name) => name.length));
  const measure = isSideways ? 'x' : 'y';
  const hasNames = kindOf(rows, x) === 'text';
  const isHeat = attributes.type === 'heat';
  return {
    width,
    height: isSideways ? names.size * 24 + (hasNames ? 130 : 74) : Math.max(220, Math.min(320, width * 0.55)),
    marginLeft: isSideways ? Math.min(width * 0.45, 24 + longest * 6.3) : 52,
    marginRight: 20,
    marginBottom: hasNames ? 110 : 44,
    ariaLabel: title,
    className: 'plot',
    x: {
      label: attributes['x-label'] ?? words(x),
      ...(measure === 'x' && !isHeat ? { grid: true, nice: true, tickFormat } : {}),
      ...(hasNames ? { tickRotate: -35, tickFormat: (name: string) => shortened(String(name), 18) } : {}),
      labelAnchor: 'center' as const,
      labelOffset: hasNames ? 100 : 36,
      ...(isHeat && !hasNames ? { type: 'band' as const } : {}),
      ...(isHeat && hasNames ? { domain: inSameOrder(data, x, y) } : {}),
    },
    y: {
      label: isSideways ? null : (attributes['y-label'] ?? words(y)),
      ...(measure === 'y' && !isHeat ? { grid: true, nice: true, zero: attributes.type !== 'dot', tickFormat } : {}),
      ...(isSideways
        ? {
            tickFormat: (name: string) => shortened(name, Math.max(10, Math.floor((width * 0.45 - 24) / 6.3))),
            tickSize: 0,
          }
        : {}),
      ...(isSideways || isHeat ? { domain: inOrder(data, y) } : {}),
    },
    color: colorOf(rows, color, attributes, tickFormat),
  };
}

/** Categories in the order of the rows. */
const inOrder = (data: readonly Datum[], name: string): string[] => [
  ...new Set(data.map((datum) => String(datum[name] ?? ''))),
];

/** Categories in the order of the rows, or in the other axis' order if it has the same ones: then equal pairs are on a diagonal. */
function inSameOrder(data: readonly Datum[], name: string, other: string): string[] {
  const [own, others] = [inOrder(data, name), inOrder(data, other)];
  return new Set([...own, ...others]).size === others.length ? others : own;
}

const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

function colorOf(
  rows: Rows,
  color: string | undefined,
  attributes: ComponentScript['attributes'],
  tickFormat: ((value: unknown) => string) | undefined,
): Plot.ScaleOptions {
  if (attributes.type === 'heat')
    return { scheme: 'ylgnbu', legend: true, label: words(color ?? ''), ...(tickFormat ? { tickFormat } : {}) };
  if (color === undefined) return {};
  return kindOf(rows, color) === 'number'
    ? { scheme: 'viridis', legend: true, label: words(color) }
    : { scheme: 'observable10', legend: true, domain: inOrder([...datumsOf(rows)], color) };
}

/** The colour of marks that no column colours. */
const ACCENT = 'var(--accent)';

function marksOf(drawing: Drawing): Plot.Markish[] {
  const { attributes } = drawing;
  const rule = attributes.rule === undefined ? [] : [ruleOf(drawing, Number(attributes.rule))];
  return [...mainMarks(drawing), ...rule];
}

function ruleOf({ rows, channels: { y } }: Drawing, at: number): Plot.Markish {
  const options = { stroke: 'currentColor', strokeDasharray: '4 3' };
  return kindOf(rows, y) === 'text' ? Plot.ruleX([at], options) : Plot.ruleY([at], options);
}

function mainMarks({ data, rows, channels: { x, y, color, low, high }, attributes }: Drawing): Plot.Markish[] {
  const fill = color ?? ACCENT;
  const isSideways = kindOf(rows, y) === 'text';
  switch (attributes.type) {
    case 'line':
      return [
        Plot.ruleY([0]),
        ...bandOf(data, x, low, high),
        Plot.lineY(data, { x, y, stroke: color ?? ACCENT, strokeWidth: 2, tip: true }),
      ];
    case 'area':
      return [Plot.areaY(data, { x, y, fill, fillOpacity: 0.75, tip: true }), Plot.ruleY([0])];
    case 'dot':
      return [Plot.dot(data, { x, y, fill, fillOpacity: 0.7, r: 4, tip: true, ...titled(attributes.label) })];
    case 'interval':
      return [
        Plot.ruleY(data, {
          y,
          x1: low ?? x,
          x2: high ?? x,
          stroke: ACCENT,
          strokeWidth: 4,
          strokeOpacity: 0.45,
          strokeLinecap: 'round',
        }),
        Plot.dot(data, { x, y, fill: ACCENT, r: 5, tip: true, channels: extent(low, high) }),
        ...(attributes.label === undefined
          ? []
          : [
              Plot.tickX(data, {
                x: attributes.label,
                y,
                stroke: 'var(--warn)',
                strokeWidth: 2.5,
                insetTop: 3,
                insetBottom: 3,
              }),
            ]),
      ];
    case 'heat':
      return [Plot.cell(data, { x, y, fill: color ?? ACCENT, inset: 0.5, tip: true })];
    default:
      return isSideways
        ? [Plot.barX(data, { x, y, fill, tip: true, insetTop: 2, insetBottom: 2 }), Plot.ruleX([0])]
        : [barsUpright(data, rows, { x, y, fill }), Plot.ruleY([0])];
  }
}

/** Numbers and moments have a width on their axis, categories don't. */
function barsUpright(data: Datum[], rows: Rows, { x, y, fill }: { x: string; y: string; fill: string }): Plot.Markish {
  if (kindOf(rows, x) !== 'moment') return Plot.barY(data, { x, y, fill, tip: true });
  const times = data.flatMap((datum) => (datum[x] instanceof Date ? [datum[x].getTime()] : [])).sort((a, b) => a - b);
  const gap = Math.min(
    ...times
      .slice(1)
      .map((time, i) => time - (times[i] ?? time))
      .filter((step) => step > 0),
  );
  const interval = gap > 27 * 86_400_000 ? 'month' : gap > 6 * 86_400_000 ? 'week' : 'day';
  return Plot.rectY(data, { x, y, fill, interval, tip: true });
}

const bandOf = (data: Datum[], x: string, low: string | undefined, high: string | undefined): Plot.Markish[] =>
  low === undefined || high === undefined
    ? []
    : [Plot.areaY(data, { x, y1: low, y2: high, fill: ACCENT, fillOpacity: 0.2 })];

const titled = (label: string | undefined) => (label === undefined ? {} : { channels: { [words(label)]: label } });

const extent = (low: string | undefined, high: string | undefined) => ({
  ...(low === undefined ? {} : { low }),
  ...(high === undefined ? {} : { high }),
});
