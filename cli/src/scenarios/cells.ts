import { MeetupError } from '../config/errors.ts';
import type { Cell } from '../warehouse/warehouse.ts';

const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const REAL = /^(DOUBLE|FLOAT|DECIMAL)/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?Z?$/;

/** The number of digits to which doubles are compared, so that the order of summation doesn't matter. */
const DIGITS = 12;

/**
 * Converts an expected value to the warehouse's form for a column's type. Types must match: `'2'` is not a number, and 2 is not a
 * text.
 * @throws MeetupError if the value can't be of that type.
 */
export function expectedCell(value: unknown, type: string, where: string): Cell {
  if (value === null) return null;
  const cell = typedCell(value, type);
  if (cell !== undefined) return cell;
  throw new MeetupError(`${where} is ${JSON.stringify(value)}, which is not ${nameOf(type)} (${type}).`);
}

function typedCell(value: unknown, type: string): Cell | undefined {
  if (INTEGER.test(type)) return integer(value);
  if (REAL.test(type)) return typeof value === 'number' ? rounded(value) : undefined;
  if (type === 'BOOLEAN') return typeof value === 'boolean' ? value : undefined;
  if (type.startsWith('TIMESTAMP')) return typeof value === 'string' ? timestamp(value) : undefined;
  if (type === 'DATE') return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
  if (type.endsWith('[]')) return Array.isArray(value) ? list(value, type.slice(0, -2)) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function integer(value: unknown): Cell | undefined {
  if (typeof value === 'bigint') return foundCell(value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value));
  return Number.isSafeInteger(value) ? Number(value) : undefined;
}

function list(values: readonly unknown[], type: string): Cell[] | undefined {
  const cells = values.map((value) => (value === null ? null : typedCell(value, type)));
  return cells.every((cell) => cell !== undefined) ? cells : undefined;
}

/** `2026-01-05 18:30` and `2026-01-05T18:30:00Z` are equal: timestamps are in UTC, unless the column's name says local. */
function timestamp(text: string): string | undefined {
  const [, day, minutes = '00:00', seconds = '00', parts = ''] = TIMESTAMP.exec(text) ?? [];
  if (day === undefined) return undefined;
  const fraction = parts.replace(/0+$/, '');
  return `${day}T${minutes}:${seconds}${fraction === '' ? '' : `.${fraction.padEnd(3, '0')}`}`;
}

/**
 * Converts text from a CSV file to a value of the column's type; invalid text is returned unchanged, for `expectedCell` to
 * reject.
 */
export function csvValue(text: string, type: string): unknown {
  if (INTEGER.test(type) || REAL.test(type)) return /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : text;
  if (type === 'BOOLEAN') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

/** Converts a value from the warehouse to the form that is compared. */
export function foundCell(cell: Cell): Cell {
  if (typeof cell === 'number') return rounded(cell);
  if (typeof cell === 'string' && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z?$/.test(cell)) return timestamp(cell) ?? cell;
  return cell;
}

const rounded = (value: number): number =>
  Number.isInteger(value) || !Number.isFinite(value) ? value : Number(value.toPrecision(DIGITS));

function nameOf(type: string): string {
  if (INTEGER.test(type)) return 'a whole number';
  if (REAL.test(type)) return 'a number';
  if (type === 'BOOLEAN') return 'true or false';
  if (type.startsWith('TIMESTAMP')) return 'a timestamp such as 2026-01-05 18:30:00';
  if (type === 'DATE') return 'a date such as 2026-01-05';
  if (type.endsWith('[]')) return 'a list';
  return 'a string (put it in quotes)';
}
