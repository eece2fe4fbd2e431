import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { MeetupError, messageOf } from '../config/errors.ts';
import { type EntityName, entityNames } from './entities.ts';

/** Every reason why a value breaks its entity's schema, such as `/rsvps/3/user_id must be integer`; none where it keeps it. */
export type Judge = (value: unknown) => readonly string[];

/** One record with a thousand bad answers does not need a thousand reasons. */
const MOST_REASONS = 50;

/** Compiles the JSON Schemas of `data/schemas/`. */
export async function readJudges(folder: string): Promise<Readonly<Record<EntityName, Judge>>> {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true });
  formats.default(ajv, { mode: 'full' });
  const compiled = await Promise.all(
    entityNames.map(async (name): Promise<[EntityName, Judge]> => [name, judge(await compile(ajv, folder, name))]),
  );
  const judges = new Map(compiled);
  const of = (name: EntityName): Judge => judges.get(name) ?? (() => []);
  return { groups: of('groups'), users: of('users'), venues: of('venues'), events: of('events') };
}

async function compile(ajv: Ajv2020, folder: string, name: EntityName): Promise<ValidateFunction> {
  const file = join(folder, `${name}.schema.json`);
  try {
    const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new TypeError('it is no JSON object');
    return ajv.compile(schema);
  } catch (error) {
    throw new MeetupError(
      `The JSON Schema ${file} can't be used (${messageOf(error)}): mend it, or take the project's own.`,
      {
        cause: error,
      },
    );
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
