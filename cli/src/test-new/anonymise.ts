import { type DuckDbType, parseType } from '../warehouse/duckdb-type.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import type { Declared } from './declared.ts';
import { type Kind, Replacements } from './replacements.ts';
import type { SqlValues } from './sql-values.ts';
import type { Rows } from './workbench.ts';

/** Where a value is: the input, the column and, within lists and structs, the field. */
export interface Place {
  readonly input: string;
  readonly column: string;
  readonly field: string;
}

/** A value that was kept, and why. */
export interface Kept {
  /** `ref('users').country`. */
  readonly where: string;
  readonly why: 'the SQL names it' | 'the schema says that it is not personal';
  /** A few of the values, if the SQL names them. */
  readonly values: readonly string[];
}

export interface Input {
  /** As a unit test names it. */
  readonly reference: string;
  readonly rows: Rows;
  /** Declarations about columns and their fields, by lower-case path: `country`, `rsvps.response`. */
  readonly declared: ReadonlyMap<string, Declared>;
}

/** How many kept values are listed per place. */
const NAMED_VALUES = 5;

/** Types whose values may be written by people. */
const TEXT_TYPES = /^(VARCHAR|JSON|BLOB|UUID|BPCHAR|CHAR|TEXT|BIT|INET|GEOMETRY)/;
const INTEGER_TYPES = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|^(DECIMAL\(\d+,0\))$|^BIGNUM$/;
/** Names of integer columns that identify somebody or something. */
const KEY =
  /(^|_)(id|ids|key|no|nr|num|number|code|phone|mobile|tel|telephone|fax|zip|postcode|ssn|bsn|passport|licen[cs]e|tax|vat|account|card|badge|member|user|person|customer|employee|patient|contact|owner|author|organi[sz]er)$|[a-z](Id|Key|Number|Phone)$/i;
const BIRTH = /(^|_)(birth\w*|born\w*|dob)$|[Bb]irth[A-Z]?\w*$/;
/** Larger numbers, except for timestamps, look like telephone or account numbers. */
const LONG_NUMBER = 10_000_000n;
/** Seconds and milliseconds since 1970, until 2100. */
const isMoment = (number: bigint): boolean =>
  (number >= 946_684_800n && number < 4_102_444_800n) || (number >= 946_684_800_000n && number < 4_102_444_800_000n);

/**
 * Replaces every text and every number that may be a person's, the same value by the same one everywhere and in the same order.
 * It keeps literals of the model's SQL, columns declared as not personal, texts of one or two letters, and timestamps.
 * @param frozen places whose values are not replaced, to find out which of them the model needs.
 */
export function anonymise(
  inputs: readonly Input[],
  sql: SqlValues,
  frozen: (place: Place) => boolean = () => false,
): { given: Rows[]; kept: Kept[] } {
  const replacements = new Replacements(sql);
  const keeping = new Map<string, Set<string>>();
  const keep = (place: Place, text: string): void => {
    const where = `${place.input}.${place.column}${place.field === '' ? '' : `.${place.field}`}`;
    keeping.set(where, (keeping.get(where) ?? new Set()).add(text));
  };
  // Two passes, because a replacement depends on all other values to keep their order.
  const walk = (change: (cell: Cell, kind: Kind, place: Place) => Cell): Rows[] =>
    inputs.map((input) => changed(input, (cell, kind, place) => (frozen(place) ? cell : change(cell, kind, place))));
  walk((cell, kind) => {
    replacements.note(cell, kind);
    return cell;
  });
  replacements.settle();
  const given = walk((cell, kind, place) => {
    const { value, named } = replacements.of(cell, kind);
    for (const text of named) keep(place, text);
    return value;
  });
  const kept: Kept[] = [...keeping].map(([where, values]) => ({
    where,
    why: 'the SQL names it',
    values: [...values].sort().slice(0, NAMED_VALUES),
  }));
  return { given, kept: [...kept, ...declared(inputs)] };
}

function changed(
  { reference, rows, declared: said }: Input,
  change: (cell: Cell, kind: Kind, place: Place) => Cell,
): Rows {
  const columns = rows.columns.map((column) => ({ ...column, parsed: parseType(column.type) }));
  const cells = rows.rows.map((row) =>
    row.map((cell, at) => {
      const column = columns[at];
      if (column === undefined) return cell;
      const place = { input: reference, column: column.name, field: '' };
      return within(cell, column.parsed, { place, said, inherited: {} }, change);
    }),
  );
  return { columns: rows.columns, rows: cells };
}

/** Where a value is, and its declaration. */
interface Within {
  readonly place: Place;
  readonly said: ReadonlyMap<string, Declared>;
  /** The declaration of the enclosing column or field. */
  readonly inherited: Declared;
}

function within(
  cell: Cell,
  type: DuckDbType,
  { place, said, inherited }: Within,
  change: (cell: Cell, kind: Kind, place: Place) => Cell,
): Cell {
  if (cell === null) return cell;
  const declared = { ...inherited, ...said.get(pathOf(place)) };
  const inside = { place, said, inherited: declared };
  if (type.kind === 'list')
    return Array.isArray(cell) ? cell.map((item) => within(item, type.item, inside, change)) : cell;
  if (type.kind === 'map') {
    const fields = new Map([
      ['key', type.key],
      ['value', type.value],
    ]);
    const entry: DuckDbType = { kind: 'struct', fields };
    return Array.isArray(cell) ? cell.map((item) => within(item, entry, inside, change)) : cell;
  }
  if (type.kind === 'struct') {
    if (typeof cell !== 'object' || Array.isArray(cell)) return cell;
    return Object.fromEntries(
      Object.entries(cell).map(([name, value]) => {
        const field: DuckDbType = type.fields.get(name) ?? { kind: 'plain', name: 'VARCHAR' };
        const deeper = { ...place, field: place.field === '' ? name : `${place.field}.${name}` };
        return [name, within(value, field, { ...inside, place: deeper }, change)];
      }),
    );
  }
  if (declared.personal === false) return cell;
  const kind = kindOf(cell, type.name, place, declared);
  return kind === undefined ? cell : change(cell, kind, place);
}

const pathOf = ({ column, field }: Place): string => `${column}${field === '' ? '' : `.${field}`}`.toLowerCase();

function kindOf(cell: Cell, type: string, { column, field }: Place, { personal, key }: Declared): Kind | undefined {
  const name = field.split('.').at(-1) || column;
  const isPersonal = personal === true;
  if (/^(DATE|TIMESTAMP)/.test(type)) return isPersonal || BIRTH.test(name) ? 'birth' : undefined;
  if (TEXT_TYPES.test(type)) {
    const isBirth = (isPersonal || BIRTH.test(name)) && /^\d{4}-\d{2}-\d{2}/.test(String(cell));
    return isBirth ? 'birth' : 'text';
  }
  if (isPersonal && /^(DOUBLE|FLOAT|DECIMAL)/.test(type)) return 'amount';
  if (!INTEGER_TYPES.test(type) || (typeof cell !== 'number' && typeof cell !== 'string')) return undefined;
  if (!/^-?\d+$/.test(String(cell))) return undefined;
  const number = BigInt(cell);
  const isLong = (number >= LONG_NUMBER || number <= -LONG_NUMBER) && !isMoment(number);
  const isKey = KEY.test(name) || BIRTH.test(name) || (key === true && !isMoment(number));
  return isKey || isPersonal || isLong ? 'key' : undefined;
}

/** The places that are kept because the schema says so. */
function declared(inputs: readonly Input[]): Kept[] {
  return inputs.flatMap(({ reference, rows, declared: said }) =>
    [...said].flatMap(([path, { personal }]) => {
      const [first = '', ...fields] = path.split('.');
      const column = rows.columns.find(({ name }) => name.toLowerCase() === first);
      if (personal !== false || column === undefined) return [];
      const why = 'the schema says that it is not personal' as const;
      return [{ where: [`${reference}.${column.name}`, ...fields].join('.'), why, values: [] }];
    }),
  );
}
