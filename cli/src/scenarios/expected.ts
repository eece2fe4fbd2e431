import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { hasCode, MeetupError } from '../config/errors.ts';
import { parseCsv } from './csv.ts';
import { keyOf } from './moments.ts';

/** The expected content of a table after a day: rows in any order, and only the named columns. */
export interface ExpectedTable {
  /** `fct_events`, or `schema.table` where several schemas have a table with that name. */
  readonly table: string;
  /** Relative to the project, for messages. */
  readonly file: string;
  readonly format: 'yml' | 'csv';
  /** SQL; rows of the table for which it is not true are not compared. */
  readonly where: string | undefined;
  /** Undefined if the table should be empty. */
  readonly columns: readonly string[] | undefined;
  readonly rows: readonly ExpectedRow[];
}

export interface ExpectedRow {
  /** Counted from 1. */
  readonly line: number;
  /** In the order of the table's `columns`; texts for CSV. */
  readonly values: readonly unknown[];
}

const FILE = /^((?:[a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*)\.(yml|csv)$/;

/**
 * Reads `expected/day-N/`: a file for each table, `<table>.yml` or `<table>.csv`. A missing folder expects nothing.
 * @throws MeetupError that names the file and line of what can't be understood.
 */
export async function readExpected(folder: string, shown: string, keySeparator: string): Promise<ExpectedTable[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
  return Promise.all(
    names.sort().map(async (name) => {
      const [, table, format] = FILE.exec(name) ?? [];
      const file = `${shown}/${name}`;
      if (table === undefined) {
        throw new MeetupError(`${file} does not name a table: expected rows belong in <table>.yml or <table>.csv.`);
      }
      const text = await readFile(join(folder, name), 'utf8');
      return format === 'csv' ? fromCsv(text, table, file) : fromYaml(text, table, file, keySeparator);
    }),
  );
}

function fromCsv(text: string, table: string, file: string): ExpectedTable {
  const [header, ...rows] = parseCsv(text, file);
  if (header === undefined || header.cells.includes(null)) {
    throw new MeetupError(`${file}:${header?.line ?? 1}: the first line must name all columns.`);
  }
  const columns = header.cells.map(String);
  for (const row of rows) {
    if (row.cells.length !== columns.length) {
      throw new MeetupError(`${file}:${row.line}: ${row.cells.length} values for ${columns.length} columns.`);
    }
  }
  const values = rows.map(({ line, cells }) => ({ line, values: cells }));
  return { table, file, format: 'csv', where: undefined, columns, rows: values };
}

function fromYaml(text: string, table: string, file: string, keySeparator: string): ExpectedTable {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, intAsBigInt: false });
  const lineOf = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const [error] = document.errors;
  if (error !== undefined) {
    throw new MeetupError(`${file}:${lineOf(error.pos[0])}: not valid YAML: ${error.message.split('\n')[0]}`);
  }
  const top = document.contents;
  const list = isMap(top) ? top.get('rows', true) : top;
  const where = isMap(top) ? top.get('where') : undefined;
  if (!isSeq(list) || (where !== undefined && typeof where !== 'string')) {
    throw new MeetupError(`${file}: it must hold a list of rows ([] for none), or 'where' and 'rows'.`);
  }
  const rows = list.items.map((item) => {
    const line = lineOf(isMap(item) || isScalar(item) ? item.range?.[0] : undefined);
    if (!isMap(item)) throw new MeetupError(`${file}:${line}: a row must name its columns: {group_id: 1, …}.`);
    const row: unknown = item.toJS(document);
    return { line, row: new Map(Object.entries(row ?? {})) };
  });
  const columns = rows[0] === undefined ? undefined : [...rows[0].row.keys()];
  return {
    table,
    file,
    format: 'yml',
    where,
    columns,
    rows: rows.map(({ line, row }) => ({
      line,
      values: valuesOf(row, columns ?? [], keySeparator, `${file}:${line}`),
    })),
  };
}

/** A column that a row omits could mean null or any value, so it is refused: the row has to say which. */
function valuesOf(
  row: ReadonlyMap<string, unknown>,
  columns: readonly string[],
  keySeparator: string,
  where: string,
): unknown[] {
  const other = [...row.keys()].find((column) => !columns.includes(column));
  const missing = columns.find((column) => !row.has(column));
  if (other !== undefined || missing !== undefined) {
    throw new MeetupError(
      `${where}: all rows must name the same columns, but this one ${other === undefined ? `lacks ${missing}` : `has ${other} too`} (write null for no value).`,
    );
  }
  return columns.map((column) => withKey(row.get(column), keySeparator, `${where}: ${column}`));
}

/** `{$key: [7, 2026-01-05T18:00:00Z]}` stands for the surrogate key of its parts. */
function withKey(value: unknown, separator: string, where: string): unknown {
  if (typeof value !== 'object' || value === null || !('$key' in value)) return value;
  const parts: unknown = value.$key;
  const usable = Array.isArray(parts) && parts.every((part) => typeof part === 'string' || typeof part === 'number');
  if (!usable) throw new MeetupError(`${where}: $key takes a list of numbers, strings and timestamps.`);
  return keyOf(parts, separator, where);
}
