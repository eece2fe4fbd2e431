import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { ColumnType } from '../ingest/contract/column-types.ts';
import { isObject, type SchemaObject } from '../ingest/contract/json-schema.ts';
import type { Contract } from '../ingest/schemas.ts';

/** What decides in Python whether a record is valid, as meetup_landing/judge.py reads it. */
export interface Rules {
  readonly schema: SchemaObject;
  /** By format, the regular expressions that a text has to match all of. Other formats are checked by code of their own. */
  readonly formats: Readonly<Record<string, readonly (readonly [source: string, flags: string])[]>>;
  readonly record: ColumnType;
}

export const rulesOf = ({ schema, record }: Pick<Contract, 'schema' | 'record'>): Rules => ({
  schema,
  formats: Object.fromEntries([...formatsIn(schema)].flatMap(([name, expression]) => [[name, [expression]]])),
  record,
});

const known = new Map<string, unknown>(Object.entries(fullFormats));

/** The formats that a schema names, as far as ajv checks them by one regular expression. */
function formatsIn(value: unknown): Map<string, readonly [string, string]> {
  if (Array.isArray(value)) return new Map(value.flatMap((inner) => [...formatsIn(inner)]));
  if (!isObject(value)) return new Map();
  const found = new Map(Object.values(value).flatMap((inner) => [...formatsIn(inner)]));
  const format = typeof value.format === 'string' ? known.get(value.format) : undefined;
  if (format instanceof RegExp) found.set(String(value.format), [format.source, format.flags]);
  return found;
}
