import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { hasCode, MeetupError, messageOf } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import { ANNOTATION, annotationOf, keyOf } from './annotations.ts';
import { type ColumnType, columnType } from './contract/column-types.ts';
import { inexactNumbers } from './contract/exact-numbers.ts';
import { isObject, type SchemaObject } from './contract/json-schema.ts';
import type { ParsedRecord } from './cutter.ts';
import { type JsonFile, JsonFileFault, parseJsonFile, SchemaFault } from './schema-file.ts';

/** Returns the reasons why a record is invalid, such as `/rsvps/3/user_id must be integer`; none if it is valid. */
export type Validator = (record: Pick<ParsedRecord, 'text' | 'value'>) => readonly string[];

/** A record with a thousand invalid answers doesn't need a thousand reasons. */
const MOST_REASONS = 50;

/** How an entity's records are validated, and how the warehouse stores them. */
export interface Contract {
  readonly schema: SchemaObject;
  /** Entities with smaller numbers are loaded first. */
  readonly loadOrder: number;
  /** The properties that identify a record; none if the schema doesn't declare them. */
  readonly key: readonly string[];
  /** The type of a whole record: a struct of the listed properties. */
  readonly record: ColumnType & { readonly kind: 'struct' };
  readonly validate: Validator;
}

/** Contracts by entity, in the order in which they are loaded. */
export type Contracts = ReadonlyMap<string, Contract>;

const SUFFIX = '.schema.json';
/** Names that are safe as table names everywhere. */
const NAME = /^[a-z][a-z0-9_]*$/;
/** Names of load's own tables, and of a drop's manifest. */
const RESERVED = new Set(['rejected_records', 'loaded_files', 'batches', 'drop']);
/** The load order of an entity that doesn't set one. */
const LAST = 1000;

/** Whether a name can be an entity's, and so a raw table's. */
export const isEntityName = (name: string): boolean => NAME.test(name) && !isReservedName(name);

/** Whether `load` uses this name itself. */
export const isReservedName = (name: string): boolean => RESERVED.has(name);

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
  const file = join(folder, `${name}${SUFFIX}`);
  if (!isEntityName(name)) {
    throw unusable(
      file,
      `'${name}' is not a valid table name: use lower-case letters, digits and underscores, and no name that load reserves`,
    );
  }
  let json: JsonFile;
  try {
    json = parseJsonFile(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof JsonFileFault) throw unusable(`${file}:${error.line}`, error.message, error);
    throw fileProblem(error, file);
  }
  try {
    return contractOf(json.value, ajv);
  } catch (error) {
    const path = error instanceof SchemaFault ? error.path : [];
    throw unusable(`${file}:${json.lineOf(path)}`, messageOf(error), error);
  }
}

const unusable = (place: string, why: string, cause?: unknown): MeetupError =>
  new MeetupError(`The JSON Schema ${place} can't be used: ${why}.`, cause === undefined ? {} : { cause });

/**
 * Creates an ajv that rejects unknown keywords and formats. What is valid JSON Schema beyond that is accepted, such as keywords
 * without `type`, open tuples, and `required` in a condition beside the properties.
 */
export function newAjv(): Ajv2020 {
  const lenient: Options = { strictTypes: false, strictTuples: false, strictRequired: false };
  const ajv = new Ajv2020({ allErrors: true, strict: true, ...lenient });
  formats.default(ajv, { mode: 'full' });
  ajv.addKeyword({ keyword: 'x-meetup', metaSchema: ANNOTATION });
  return ajv;
}

/**
 * Compiles one schema.
 * @throws Error if it is not a schema, has an unknown keyword, or can't be a table.
 */
export function contractOf(schema: unknown, ajv: Ajv2020): Contract {
  if (!isObject(schema)) throw new SchemaFault('it is not a JSON object');
  const validate = compiled(schema, ajv);
  const record = columnType(schema, schema);
  if (record.kind !== 'struct') throw new SchemaFault('it does not describe an object with properties');
  requireColumns(record);
  return {
    schema,
    loadOrder: annotationOf(schema).loadOrder ?? LAST,
    key: keyOf(schema, record),
    record,
    validate: (parsed) => reasonsAgainst(validate, record, parsed),
  };
}

/** @throws SchemaFault with the path, as far as ajv reports it. */
function compiled(schema: SchemaObject, ajv: Ajv2020): ValidateFunction {
  if (ajv.validateSchema(schema) !== true) {
    // Of several errors at one place, the first is the relevant one.
    const [error] = [...(ajv.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
    const path = pathOf(error?.instancePath ?? '');
    throw new SchemaFault(`${error?.instancePath || '/'} ${error?.message ?? 'is not a schema'}`, path);
  }
  try {
    return ajv.compile(schema);
  } catch (error) {
    const message = messageOf(error).replace(/^strict mode: /, '');
    const keyword = /^unknown keyword: "(.*)"$/.exec(message)?.[1];
    const [, annotated] = /^keyword "([^"]*)" value is invalid/.exec(message) ?? [];
    const path = [...pathOf(/"#(\/[^"]*)?"/.exec(message)?.[1] ?? ''), ...(annotated === undefined ? [] : [annotated])];
    throw new SchemaFault(message, keyword === undefined ? path : (pathTo(schema, keyword) ?? []));
  }
}

const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));

/** Where a key is first used in a document. */
function pathTo(value: unknown, key: string): string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [step, inner] of Object.entries(value)) {
    const deeper = step === key ? [] : pathTo(inner, key);
    if (deeper !== undefined) return [step, ...deeper];
  }
  return undefined;
}

/** Columns that `load` adds to every raw table. */
const OWN = /^_(batch_id|batch_seq|dropped_on|source_file|record_index|loaded_at)$/i;

/** Whether `load` adds a column of this name to every raw table. */
export const isLoadColumn = (name: string): boolean => OWN.test(name);

/** Whether a property can be a column of a raw table, or a field inside one. */
export const isColumnName = (name: string, isTop: boolean): boolean =>
  name !== '' && name !== '__proto__' && !/\p{Cc}/u.test(name) && !(isTop && OWN.test(name));

/** Requires names that DuckDB accepts: not empty, and different in more than case. */
function requireColumns(type: ColumnType, place: readonly string[] = []): void {
  if (type.kind === 'list') requireColumns(type.item, [...place, 'items']);
  if (type.kind !== 'struct') return;
  const seen = new Map<string, string>();
  for (const [name, field] of type.fields) {
    const path = [...place, 'properties', name];
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) throw new SchemaFault(`its properties '${other}' and '${name}' differ only in case`, path);
    if (name === '') throw new SchemaFault('a property has an empty name', path);
    if (place.length === 0 && OWN.test(name)) {
      throw new SchemaFault(`the property '${name}' has the name of a column that load adds`, path);
    }
    if (!isColumnName(name, place.length === 0)) {
      throw new SchemaFault(`the property ${JSON.stringify(name)} can't be the name of a column`, path);
    }
    seen.set(name.toLowerCase(), name);
    requireColumns(field, path);
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
