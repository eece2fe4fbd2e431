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

/** Every reason why a value breaks its entity's schema, such as `/rsvps/3/user_id must be integer`; none if it keeps it. */
export type Judge = (record: Pick<ParsedRecord, 'text' | 'value'>) => readonly string[];

/** One record with a thousand bad answers does not need a thousand reasons. */
const MOST_REASONS = 50;

/** What `load` holds an entity's records to, and how the warehouse keeps them. */
export interface Contract {
  readonly schema: SchemaObject;
  /** Entities with smaller numbers are loaded first. */
  readonly loadOrder: number;
  /** The type of a whole record: a struct of the listed properties. */
  readonly record: ColumnType & { readonly kind: 'struct' };
  readonly judge: Judge;
}

/** Contracts by entity, in the order in which they are loaded. */
export type Contracts = ReadonlyMap<string, Contract>;

const SUFFIX = '.schema.json';
/** Names that are safe as tables anywhere. Raw tables of our own are no entities. */
const NAME = /^(?!(?:rejected_records|loaded_files|batches)$)[a-z][a-z0-9_]*$/;
/** The load order of an entity that doesn't say. */
const LAST = 1000;

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

/** What a schema may say under `x-meetup`, beside what JSON Schema has keywords for. */
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
  /** Of an entity: the properties that identify a record. */
  key: z.array(z.string()).optional(),
  /** Of an entity: those with smaller numbers are loaded first. */
  loadOrder: z.number().optional(),
  /** Of a property: whether it says something about a person. */
  personal: z.boolean().optional(),
});
export type Annotation = z.infer<typeof annotationSchema>;

/** What a schema says under `x-meetup`. */
export const annotationOf = (schema: JsonSchema): Annotation =>
  isObject(schema) && schema['x-meetup'] !== undefined ? annotationSchema.parse(schema['x-meetup']) : {};

/** An ajv that refuses every keyword and format that it doesn't know. */
export function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true });
  formats.default(ajv, { mode: 'full' });
  ajv.addKeyword({ keyword: 'x-meetup', metaSchema: ANNOTATION });
  return ajv;
}

/**
 * Compiles one schema.
 * @throws Error if it is not a schema, has a keyword that nobody knows, or can't be a table.
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
    judge: (judged) => judge(validate, record, judged),
  };
}

/** Column names that `load` needs for itself. */
const OWN = /^_(batch_id|batch_seq|dropped_on|source_file|record_index|loaded_at)$/i;

/** DuckDB's names have no case, and are not empty. */
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

function judge(validate: ValidateFunction, type: ColumnType, { text, value }: Parameters<Judge>[0]): readonly string[] {
  if (!validate(value)) return reasons(validate.errors ?? []);
  return inexactNumbers(text, type).map((place) => `${place} must be a number that can be stored exactly`);
}

function reasons(errors: readonly ErrorObject[]): string[] {
  const told = errors.map(
    (error) => `${error.instancePath || '/'} ${error.message ?? 'is not allowed'}${allowed(error)}`,
  );
  const left = told.length - MOST_REASONS;
  return left > 0 ? [...told.slice(0, MOST_REASONS), `and ${left} more`] : told;
}

function allowed(error: ErrorObject): string {
  return error.keyword === 'enum' ? ` (${JSON.stringify(error.params.allowedValues)})` : '';
}
