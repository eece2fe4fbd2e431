import { type DuckDbType, parseType } from '../warehouse/duckdb-type.ts';
import { quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';

/** A value as a DuckDB literal of a type, on one line and without anything that dbt would treat as Jinja. */
export function literal(cell: Cell, type: string): string {
  return `cast(${cell === null ? 'null' : expression(cell, parseType(type))} as ${type})`;
}

function expression(cell: Cell, type: DuckDbType): string {
  if (cell === null) return 'null';
  if (type.kind === 'list' && Array.isArray(cell))
    return `[${cell.map((item) => expression(item, type.item)).join(', ')}]`;
  if (type.kind === 'map' && Array.isArray(cell)) return mapOf(cell, type);
  if (type.kind === 'struct' && typeof cell === 'object' && !Array.isArray(cell)) {
    const fields = Object.entries(cell).map(([name, value]) => {
      const field = type.fields.get(name) ?? { kind: 'plain', name: 'VARCHAR' };
      return `${textLiteral(name)}: ${expression(value, field)}`;
    });
    return `{${fields.join(', ')}}`;
  }
  // Quoted, because an unquoted long double would be parsed as a decimal.
  if (typeof cell === 'boolean' || Number.isSafeInteger(cell)) return String(cell);
  return textLiteral(typeof cell === 'object' ? JSON.stringify(cell) : String(cell));
}

/** A map's cells in the driver's format are its entries. */
function mapOf(entries: readonly Cell[], type: Extract<DuckDbType, { kind: 'map' }>): string {
  const parts = (field: 'key' | 'value', of: DuckDbType): string =>
    entries.map((entry) => expression(partOf(entry, field), of)).join(', ');
  return `map([${parts('key', type.key)}], [${parts('value', type.value)}])`;
}

function partOf(entry: Cell, field: 'key' | 'value'): Cell {
  return entry !== null && typeof entry === 'object' && !Array.isArray(entry) ? (entry[field] ?? null) : null;
}

/**
 * Characters that need escaping in SQL inside a YAML file: SQL ends at a NUL, a line break ends the row's line, and dbt renders
 * whatever looks like Jinja.
 */
const APART = /[\p{Cc}\u2028\u2029\ufeff]|\{(?=[{%#])/gu;

function textLiteral(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(APART)) {
    if (index > from) pieces.push(quoteLiteral(text.slice(from, index)));
    pieces.push(`chr(${found.codePointAt(0)})`);
    from = index + found.length;
  }
  if (pieces.length === 0) return quoteLiteral(text);
  if (from < text.length) pieces.push(quoteLiteral(text.slice(from)));
  return `(${pieces.join(' || ')})`;
}
