import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { z } from 'zod';
import { hasCode, MeetupError, messageOf } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import { type ColumnType, columnType } from './contract/column-types.ts';
import { inexactNumbers } from './contract/exact-numbers.ts';
import { isObject, type JsonSchema, type SchemaObject } from './contract/json-schema.ts';
import type { ParsedRecord } from './cutter.ts';

/** Returns the reasons why a record is invalid, such as `/rsvps/3/user_id must be integer`; none if it is valid. */
export type Validator = (record: Pick<ParsedRecord, 'text' | 'value'>) => readonly string[];

/** A record with a thousand invalid answers doesn't need a thousand reasons. */
const MOST_REASONS = 50;

/** How an entity's records are validated, and how the warehouse stores them. */
export interface Contract {
  readonly schema: SchemaObject;
  /** Entities with smaller numbers are loaded first. */
  readonly loadOrder: number;
  /** The type of a whole record: a struct of the listed properties. */
  readonly record: ColumnType & { readonly kind: 'struct' };
  readonly validate: Validator;
}

/** Contracts by entity, in the order in which they are loaded. */
export type Contracts = ReadonlyMap<string, Contract>;

const SUFFIX = '.schema.json';
/** Names that are safe as table names everywhere, except those of load's own tables. */
const NAME = /^(?!(?:rejected_records|loaded_files|batches)$)[a-z][a-z0-9_]*$/;
/** The load order of an entity that doesn't set one. */
const LAST = 1000;

/** Whether a name can be an entity's, and so a raw table's. */
export const isEntityName = (name: string): boolean => NAME.test(name);

/** Reads and compiles the JSON Schemas of `data/schemas/`: one file per entity. */
export async function readContracts(folder: string): Promise<Contracts> {
  const files = (await filesIn(folder)).filter((file) => file.endsWith(SUFFIX));
  const ajv = newAjv();
  const read = files
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort()
    .map(async (name) => {
      return [name, await readContract(ajv, folder, name)] as const;
    });
  return new Map((await Promise.all(read)).sort(([, a], [, b]) => a.loadOrder - b.loadOrder));
}

/** A folder that doesn't exist holds no files. */
async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw fileProblem(error, folder);
  }
}

async function readContract(ajv: Ajv2020, folder: string, name: string): Promise<Contract> {
  const file = join(folder, `${name}.schema.json`);
  try {
    if (!NAME.test(name)) {
      throw new TypeError(
        `'${name}' is not a valid table name; use lower-case letters, digits and underscores, and no reserved name of load`,
      );
    }
    const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
    return contractOf(schema, ajv);
  } catch (error) {
    throw new MeetupError(`The JSON Schema ${file} can't be used: ${messageOf(error)}.`, { cause: error });
  }
}

/** What a schema may contain under `x-meetup`: annotations that JSON Schema has no keywords for. */
const ANNOTATION = {
  type: 'object',
  properties: {
    key: { type: 'array', items: { type: 'string' }, minItems: 1 },
    loadOrder: { type: 'integer' },
    personal: { type: 'boolean' },
  },
  additionalProperties: false,
};

const annotationSchema = z.object({
  /** On an entity: the properties that identify a record. */
  key: z.array(z.string()).optional(),
  /** On an entity: those with smaller numbers are loaded first. */
  loadOrder: z.number().optional(),
  /** On a property: whether it is personal data. */
  personal: z.boolean().optional(),
});
export type Annotation = z.infer<typeof annotationSchema>;

/** The annotations that a schema has under `x-meetup`. */
export const annotationOf = (schema: JsonSchema): Annotation =>
  isObject(schema) && schema['x-meetup'] !== undefined ? annotationSchema.parse(schema['x-meetup']) : {};

/** Creates an ajv that rejects unknown keywords and formats. */
export function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true });
  formats.default(ajv, { mode: 'full' });
  ajv.addKeyword({ keyword: 'x-meetup', metaSchema: ANNOTATION });
  return ajv;
}

/**
 * Compiles one schema.
 * @throws Error if it is not a schema, has an unknown keyword, or can't be a table.
 */
export function contractOf(schema: unknown, ajv: Ajv2020): Contract {
  if (!isObject(schema)) throw new TypeError('it is not a JSON object');
  const validate = ajv.compile(schema);
  const record = columnType(schema, schema);
  if (record.kind !== 'struct') throw new TypeError('it does not describe an object with properties');
  requireColumns(record);
  return {
    schema,
    loadOrder: annotationOf(schema).loadOrder ?? LAST,
    record,
    validate: (parsed) => reasonsAgainst(validate, record, parsed),
  };
}

/** Columns that `load` adds to every raw table. */
const OWN = /^_(batch_id|batch_seq|dropped_on|source_file|record_index|loaded_at)$/i;

/** Whether a property can be a column of a raw table, or a field inside one. */
export const isColumnName = (name: string, isTop: boolean): boolean =>
  name !== '' && name !== '__proto__' && !/\p{Cc}/u.test(name) && !(isTop && OWN.test(name));

/** Requires names that DuckDB accepts: not empty, and different in more than case. */
function requireColumns(type: ColumnType, path = ''): void {
  if (type.kind === 'list') requireColumns(type.item, path);
  if (type.kind !== 'struct') return;
  const seen = new Map<string, string>();
  for (const [name, field] of type.fields) {
    const place = `${path}/${name}`;
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) throw new TypeError(`its properties '${other}' and '${name}' differ only in case`);
    if (name === '') throw new TypeError(`a property of ${path || '/'} has an empty name`);
    if (path === '' && OWN.test(name))
      throw new TypeError(`the property '${name}' has the name of a column that load adds`);
    seen.set(name.toLowerCase(), name);
    requireColumns(field, place);
  }
}

function reasonsAgainst(
  validate: ValidateFunction,
  type: ColumnType,
  { text, value }: Parameters<Validator>[0],
): readonly string[] {
  if (!validate(value)) return reasons(validate.errors ?? []);
  return inexactNumbers(text, type).map((place) => `${place} must be a number that can be stored exactly`);
}

function reasons(errors: readonly ErrorObject[]): string[] {
  const all = errors.map(
    (error) => `${error.instancePath || '/'} ${error.message ?? 'is not allowed'}${allowed(error)}`,
  );
  const left = all.length - MOST_REASONS;
  return left > 0 ? [...all.slice(0, MOST_REASONS), `and ${left} more`] : all;
}

function allowed(error: ErrorObject): string {
  return error.keyword === 'enum' ? ` (${JSON.stringify(error.params.allowedValues)})` : '';
}
