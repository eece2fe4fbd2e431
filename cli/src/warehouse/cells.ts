import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { Cell } from './warehouse.ts';

/** ISO 8601 with as many digits as the value has, and `Z` only if DuckDB's type has a time zone. */
function isoFromMicros(micros: bigint, suffix: string): string {
  const millis = Number(micros / 1000n) - (micros % 1000n < 0n ? 1 : 0);
  const rest = Number(((micros % 1000n) + 1000n) % 1000n);
  const text = new Date(millis).toISOString().slice(0, -1);
  const trimmed = text.endsWith('.000') && rest === 0 ? text.slice(0, -4) : text;
  return `${trimmed}${rest === 0 ? '' : String(rest).padStart(3, '0')}${suffix}`;
}

function cellFromTimestamp(value: DuckDBTimestampValue | DuckDBTimestampTZValue, suffix: string): Cell {
  // Years outside the range of JavaScript's Date.
  const limit = 8_640_000_000_000_000_000n;
  if (value.micros >= limit || value.micros <= -limit) return value.toString();
  return isoFromMicros(value.micros, suffix);
}

/** DuckDB has positive and negative infinite dates, which its driver would print as a date. */
function infinityOf(value: DuckDBValue): Cell | undefined {
  if (value instanceof DuckDBDateValue) return value.isFinite ? undefined : signed(value.days);
  if (value instanceof DuckDBTimestampValue) return value.isFinite ? undefined : signed(value.micros);
  if (value instanceof DuckDBTimestampTZValue) return value.isFinite ? undefined : signed(value.micros);
  if (value instanceof DuckDBTimestampSecondsValue) return value.isFinite ? undefined : signed(value.seconds);
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.isFinite ? undefined : signed(value.millis);
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.isFinite ? undefined : signed(value.nanos);
  return undefined;
}

const signed = (count: number | bigint): string => (count < 0 ? '-infinity' : 'infinity');

/** Converts a value of DuckDB's driver into one that JSON can represent, by the rules of {@link Cell}. */
export function toCell(value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : value.toString();
  }
  const infinity = infinityOf(value);
  if (infinity !== undefined) return infinity;
  if (value instanceof DuckDBTimestampValue) return cellFromTimestamp(value, '');
  if (value instanceof DuckDBTimestampTZValue) return cellFromTimestamp(value, 'Z');
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.toString().replace(' ', 'T');
  // A double holds 15 digits exactly; longer decimals stay text, so that no digit is lost.
  if (value instanceof DuckDBDecimalValue) return value.width <= 15 ? value.toDouble() : value.toString();
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBListValue) return value.items.map(toCell);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([field, item]) => [field, toCell(item)]));
  }
  if (value instanceof DuckDBMapValue) {
    return value.entries.map(({ key, value: item }) => ({ key: toCell(key), value: toCell(item) }));
  }
  return value.toString();
}
