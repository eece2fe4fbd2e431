import type { Value } from './types.ts';

export type Format = 'integer' | 'decimal' | 'percent' | 'date' | 'moment' | 'text';

const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const alignedPercent = new Intl.NumberFormat('en', {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** A value as people read it. */
export function formatValue(value: Value, format: Format | undefined, type = ''): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatNumber(value, format);
  if (typeof value !== 'string') return JSON.stringify(value);
  if (format === 'date') return value.slice(0, 10);
  if (format === 'moment' || (format === undefined && type.startsWith('TIMESTAMP')))
    return value.slice(0, 16).replace('T', ' ');
  return value;
}

/** A value in a column of a table, where all percentages have as many decimals. */
export const formatCell = (value: Value, format: Format | undefined, type = ''): string =>
  typeof value === 'number' && format === 'percent' ? alignedPercent.format(value) : formatValue(value, format, type);

function formatNumber(value: number, format: Format | undefined): string {
  if (format === 'percent') return percent.format(value);
  if (format === 'integer') return integer.format(value);
  if (format === 'decimal') return decimal.format(value);
  if (format === 'text') return String(value);
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? integer.format(value) : precise.format(value);
}

const formats: readonly Format[] = ['integer', 'decimal', 'percent', 'date', 'moment', 'text'];
export const formatOf = (text: string | undefined): Format | undefined => formats.find((one) => one === text);

export interface ShownColumn {
  readonly name: string;
  readonly label: string;
  readonly format: Format | undefined;
}

/** Parses `a, b: Label, c: Label (percent)`; all columns if the text is missing. */
export function shownColumns(text: string | undefined, names: readonly string[]): readonly ShownColumn[] {
  if (text === undefined) return names.map((name) => ({ name, label: words(name), format: undefined }));
  return text.split(',').map((part) => {
    const [, name = '', label, format] =
      /^\s*([^:(]+?)\s*(?::\s*(.*?))?\s*(?:\((integer|decimal|percent|date|moment|text)\))?\s*$/.exec(part) ?? [];
    return { name, label: label === undefined || label === '' ? words(name) : label, format: formatOf(format) };
  });
}

/** `median_yes_seats` as `Median yes seats`. */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
