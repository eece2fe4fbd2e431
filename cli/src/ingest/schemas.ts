import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { MeetupError, messageOf } from '../config/errors.ts';
import { type ColumnType, columnType } from './contract/column-types.ts';
import { isObject, type JsonSchema } from './contract/json-schema.ts';
import type { EntityName } from './entities.ts';

/** Every reason why a value breaks its entity's schema, such as `/rsvps/3/user_id must be integer`; none where it keeps it. */
export type Judge = (value: unknown) => readonly string[];

/** One record with a thousand bad answers does not need a thousand reasons. */
const MOST_REASONS = 50;

/** What `load` holds an entity's records to, and how the warehouse keeps them. */
export interface Contract {
  readonly schema: JsonSchema;
  /** The type of a whole record: a struct of the listed properties. */
  readonly record: ColumnType & { readonly kind: 'struct' };
  readonly judge: Judge;
}

export type Contracts = Readonly<Record<EntityName, Contract>>;

/** Reads and compiles the JSON Schemas of `data/schemas/`. */
export async function readContracts(folder: string): Promise<Contracts> {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true });
  formats.default(ajv, { mode: 'full' });
  const [groups, users, venues, events] = await Promise.all([
    readContract(ajv, folder, 'groups'),
    readContract(ajv, folder, 'users'),
    readContract(ajv, folder, 'venues'),
    readContract(ajv, folder, 'events'),
  ]);
  return { groups, users, venues, events };
}

async function readContract(ajv: Ajv2020, folder: string, name: EntityName): Promise<Contract> {
  const file = join(folder, `${name}.schema.json`);
  try {
    const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isObject(schema)) throw new TypeError('it is not a JSON object');
    const record = columnType(schema, schema);
    if (record.kind !== 'struct') throw new TypeError('it does not describe an object with properties');
    return { schema, record, judge: judge(ajv.compile(schema)) };
  } catch (error) {
    throw new MeetupError(`The JSON Schema ${file} can't be used: ${messageOf(error)}.`, { cause: error });
  }
}

function judge(validate: ValidateFunction): Judge {
  return (value) => (validate(value) ? [] : reasons(validate.errors ?? []));
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
