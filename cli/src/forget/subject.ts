import { MeetupError } from '../config/errors.ts';
import type { Contract, Contracts } from '../ingest/schemas.ts';

/** The record that is to be forgotten: its entity, and the values of its key as text. */
export interface Subject {
  readonly entity: string;
  readonly key: readonly string[];
  readonly values: readonly string[];
}

/** A property and its value, as given. */
export interface Given {
  readonly name: string;
  readonly value: string;
}

/**
 * Splits `user_id=123`.
 * @throws MeetupError that doesn't repeat a value, because it is personal.
 */
export function parseGiven(text: string): Given {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    throw new MeetupError('forget takes KEY=VALUE, such as user_id=123, or user_id=- to read the value from stdin.');
  }
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/**
 * Finds the entity whose key is given.
 * @throws MeetupError if no schema or more than one has this key, or a value can't be one of it.
 */
export function findSubject(given: readonly Given[], contracts: Contracts, entity: string | undefined): Subject {
  if (entity !== undefined && !contracts.has(entity)) {
    throw new MeetupError(`There is no entity ${entity}: --entity takes ${[...contracts.keys()].join(', ')}.`);
  }
  const names = new Set(given.map(({ name }) => name));
  const keyed = [...contracts].filter(([name]) => entity === undefined || name === entity);
  const found = keyed.filter(([, { key }]) => key.length === names.size && key.every((name) => names.has(name)));
  const [only, ...others] = found;
  if (only === undefined || given.length !== names.size) throw noSuchKey(names, keyed);
  if (others.length > 0) {
    throw new MeetupError(
      `${[...names].join(', ')} is the key of ${found.map(([name]) => name).join(' and of ')}: choose one with --entity.`,
    );
  }
  const [name, contract] = only;
  const values = new Map(given.map((one) => [one.name, one.value]));
  return {
    entity: name,
    key: contract.key,
    values: contract.key.map((key) => asText(key, values.get(key) ?? '', contract)),
  };
}

function noSuchKey(names: ReadonlySet<string>, keyed: readonly (readonly [string, Contract])[]): MeetupError {
  const keys = keyed.flatMap(([entity, { key }]) => (key.length === 0 ? [] : [`${key.join(' and ')} (${entity})`]));
  const known = keys.length === 0 ? 'no schema names a key (x-meetup.key)' : `the keys are ${keys.join(', ')}`;
  return new MeetupError(`${[...names].join(', ')} is not the whole key of an entity: ${known}.`);
}

/** A value as it is compared: a number in its shortest form, anything else as it is. */
function asText(name: string, value: string, { record }: Contract): string {
  const type = new Map(record.fields).get(name);
  if (type?.kind !== 'scalar' || (type.sql !== 'BIGINT' && type.sql !== 'DOUBLE')) return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || (type.sql === 'BIGINT' && !Number.isSafeInteger(number))) {
    throw new MeetupError(
      `The value of ${name} must be ${type.sql === 'BIGINT' ? 'an integer' : 'a number'}, as its schema says.`,
    );
  }
  return String(number);
}
