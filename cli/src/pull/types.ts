import { type CommonType, parseType as parseCommon } from '../compare/types.ts';
import { quoteName, quoteText } from '../warehouse/databricks-sql.ts';
import { type DuckDbType, parseType } from '../warehouse/duckdb-type.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';

const NAMES: Readonly<Record<string, string>> = {
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** DuckDB's type for a type of Databricks; undefined if its values can't be brought, such as those of a variant. */
export const duckDbTypeOf = (type: string): string | undefined => nameOf(parseCommon(type));

function nameOf(type: CommonType): string | undefined {
  switch (type.kind) {
    case 'plain':
      return NAMES[type.name] ?? /^decimal\(\d+,\d+\)$/.exec(type.name)?.[0].toUpperCase();
    case 'array': {
      const element = nameOf(type.element);
      return element === undefined ? undefined : `${element}[]`;
    }
    case 'map': {
      const [key, value] = [nameOf(type.key), nameOf(type.value)];
      return key === undefined || value === undefined ? undefined : `MAP(${key}, ${value})`;
    }
    case 'struct': {
      const fields = type.fields.map((field) => ({ name: field.name, type: nameOf(field.type) }));
      if (fields.some((field) => field.type === undefined) || fields.length === 0) return undefined;
      return `STRUCT(${fields.map((field) => `${quoteIdentifier(field.name)} ${field.type}`).join(', ')})`;
    }
  }
}

/**
 * An expression of Spark SQL in which every number, date and moment is text, because JSON and the driver lose digits of integers beyond
 * 2^53 and of decimals, and microseconds. Arrays and structs stay what they are; a map becomes an array of its entries.
 */
export const asTexts = (sql: string, type: string): string => textsOf(sql, parseCommon(type), 0);

function textsOf(sql: string, type: CommonType, depth: number): string {
  const item = `x${depth}`;
  switch (type.kind) {
    case 'plain':
      return type.name === 'binary' ? `hex(${sql})` : `cast(${sql} as string)`;
    case 'array':
      return `transform(${sql}, ${item} -> ${textsOf(item, type.element, depth + 1)})`;
    case 'map': {
      const [key, value] = [type.key, type.value].map((part, at) =>
        textsOf(`${item}.${at === 0 ? 'key' : 'value'}`, part, depth + 1),
      );
      return `transform(map_entries(${sql}), ${item} -> named_struct('key', ${key}, 'value', ${value}))`;
    }
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: field }) => `${quoteText(name)}, ${textsOf(`${sql}.${quoteName(name)}`, field, depth)}`,
      );
      return `case when ${sql} is not null then named_struct(${fields.join(', ')}) end`;
    }
  }
}

/** A value that came as JSON of texts, in the form of {@link Cell}; fields are found whatever their case. */
export const cellOf = (json: unknown, type: string): Cell => cellFrom(json, parseType(type));

function cellFrom(json: unknown, type: DuckDbType): Cell {
  if (json === null || json === undefined) return null;
  switch (type.kind) {
    case 'list':
      return Array.isArray(json) ? json.map((item) => cellFrom(item, type.item)) : null;
    case 'map':
      return Array.isArray(json) ? json.map((entry) => entryFrom(entry, type)) : null;
    case 'struct': {
      const given = fieldsOf(json);
      return Object.fromEntries(
        [...type.fields].map(([name, field]) => [name, cellFrom(given.get(name.toLowerCase()), field)]),
      );
    }
    case 'plain':
      return typeof json === 'string' ? json : JSON.stringify(json);
  }
}

function entryFrom(entry: unknown, { key, value }: Extract<DuckDbType, { kind: 'map' }>): Cell {
  const given = fieldsOf(entry);
  return { key: cellFrom(given.get('key'), key), value: cellFrom(given.get('value'), value) };
}

const fieldsOf = (json: unknown): ReadonlyMap<string, unknown> =>
  new Map(
    typeof json === 'object' && json !== null
      ? Object.entries(json).map(([name, value]) => [name.toLowerCase(), value])
      : [],
  );

/** The type in which DuckDB reads a column's cells from JSON: with text for everything that is neither list nor struct. */
export const carriedType = (type: string): string => carried(parseType(type));

function carried(type: DuckDbType): string {
  switch (type.kind) {
    case 'list':
      return `${carried(type.item)}[]`;
    case 'map':
      return `STRUCT("key" ${carried(type.key)}, "value" ${carried(type.value)})[]`;
    case 'struct':
      return `STRUCT(${[...type.fields].map(([name, field]) => `${quoteIdentifier(name)} ${carried(field)}`).join(', ')})`;
    case 'plain':
      return 'VARCHAR';
  }
}

/** An expression of DuckDB's SQL that turns a carried value into one of the type. */
export const fromCarried = (sql: string, type: string): string => restored(sql, parseType(type), 0);

function restored(sql: string, type: DuckDbType, depth: number): string {
  const item = `x${depth}`;
  switch (type.kind) {
    case 'list':
      return `list_transform(${sql}, lambda ${item}: ${restored(item, type.item, depth + 1)})`;
    case 'map': {
      const [key, value] = [
        restored(`${item}."key"`, type.key, depth + 1),
        restored(`${item}."value"`, type.value, depth + 1),
      ];
      return `map_from_entries(list_transform(${sql}, lambda ${item}: struct_pack("key" := ${key}, "value" := ${value})))`;
    }
    case 'struct': {
      const fields = [...type.fields].map(
        ([name, field]) =>
          `${quoteIdentifier(name)} := ${restored(`struct_extract(${sql}, ${quoteLiteral(name)})`, field, depth)}`,
      );
      return `case when ${sql} is not null then struct_pack(${fields.join(', ')}) end`;
    }
    case 'plain':
      return plain(sql, type.name);
  }
}

function plain(sql: string, name: string): string {
  // A replaced text is neither JSON nor hexadecimal.
  if (name === 'JSON') return `case when json_valid(${sql}) then cast(${sql} as json) else to_json(${sql}) end`;
  if (name === 'BLOB')
    return `case when regexp_full_match(${sql}, '([0-9A-Fa-f]{2})*') then unhex(${sql}) else encode(${sql}) end`;
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(name) ?? [];
  const digits = Number(precision) - Number(scale);
  if (digits > 15 || scale === undefined) return `cast(${sql} as ${name})`;
  // An invented amount, which counts all amounts of the sample, may have more digits.
  const shortened = `cast(${sql} as DECIMAL(38,${scale})) % ${10 ** digits}`;
  return `coalesce(try_cast(${sql} as ${name}), cast(${shortened} as ${name}))`;
}
