import { BIGINT, BOOLEAN, DOUBLE, type DuckDBType, type DuckDBValue, LIST, listValue, VARCHAR } from '@duckdb/node-api';
import { MeetupError } from '../../config/errors.ts';
import type { Parameters } from '../../warehouse/duckdb.ts';
import type { InputValue, InputValues, Scalar } from '../shared/types.ts';

/**
 * The values of a statement's parameters. They only ever reach DuckDB as bound values, never as a part of the SQL.
 * @throws MeetupError if the page has no input of that name.
 */
export function bindInputs(names: readonly string[], inputs: InputValues): Parameters {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const name of names) {
    const input = inputs[name];
    if (input === undefined) {
      throw new MeetupError(
        `The SQL has the parameter $${name}, but the page has no input of that name: add it to inputs.`,
      );
    }
    const { value, type } = bound(input);
    values[name] = value;
    types[name] = type;
  }
  return { values, types };
}

interface Bound {
  readonly value: DuckDBValue;
  readonly type: DuckDBType;
}

function bound(input: InputValue): Bound {
  if (input === null) return { value: null, type: VARCHAR };
  if (typeof input === 'string') return { value: input, type: VARCHAR };
  if (typeof input === 'boolean') return { value: input, type: BOOLEAN };
  if (typeof input === 'number') return number(input);
  const type = typeOf(input);
  return { value: listValue(input.map((item) => valueAs(item, type))), type: LIST(type) };
}

const number = (value: number): Bound =>
  Number.isSafeInteger(value) ? { value: BigInt(value), type: BIGINT } : { value, type: DOUBLE };

function typeOf(items: readonly Scalar[]): DuckDBType {
  if (items.some((item) => typeof item === 'string') || items.length === 0) return VARCHAR;
  return items.every((item) => Number.isSafeInteger(item)) ? BIGINT : DOUBLE;
}

function valueAs(item: Scalar, type: DuckDBType): DuckDBValue {
  if (type === VARCHAR) return String(item);
  return type === BIGINT ? BigInt(item) : Number(item);
}
