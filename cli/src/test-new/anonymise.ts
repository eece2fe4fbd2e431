import type { Cell } from '../warehouse/warehouse.ts';
import type { Column, Rows } from './workbench.ts';

/** Texts that people wrote, or that name them or theirs. */
const TEXTS = /^(?:(group|event|venue|record)_)?(name|description|link|hometown)$/;

/** Ids and keys that stand for a person. */
const PEOPLE = /^(user_id|rsvp_key|membership_key)$/;

/** What is replaced: texts only, or the members' ids too. */
export type Scope = 'texts' | 'texts and members';

/**
 * Replaces personal values, the same value by the same one everywhere. Members are numbered from 1 in the order of their ids, so that
 * what is compared by size stays in order. Ids of groups and venues stay: they are public.
 */
export function anonymise(inputs: readonly Rows[], scope: Scope): Rows[] {
  const replacements = new Map<string, Map<string, Cell>>();
  if (scope === 'texts and members') replacements.set('user_id', numbered(inputs));
  return inputs.map(({ columns, rows }) => ({
    columns,
    rows: rows.map((row) => row.map((cell, index) => replaced(cell, columns[index], scope, replacements))),
  }));
}

function replaced(
  cell: Cell,
  column: Column | undefined,
  scope: Scope,
  replacements: Map<string, Map<string, Cell>>,
): Cell {
  const name = column?.name ?? '';
  if (cell === null) return cell;
  if (Array.isArray(cell)) return cell.map((item) => withinStruct(item, scope, replacements));
  if (!TEXTS.test(name) && !(scope === 'texts and members' && PEOPLE.test(name))) return cell;
  const known = replacements.get(name) ?? new Map<string, Cell>();
  replacements.set(name, known);
  const given = known.get(String(cell)) ?? stranger(name, known.size + 1);
  known.set(String(cell), given);
  return given;
}

/** Lists of answers and memberships hold members' ids too. */
function withinStruct(item: Cell, scope: Scope, replacements: Map<string, Map<string, Cell>>): Cell {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
  return Object.fromEntries(
    Object.entries(item).map(([name, cell]) => [name, replaced(cell, { name, type: '' }, scope, replacements)]),
  );
}

/** An invented value of the same kind. */
function stranger(name: string, number: number): Cell {
  if (name === 'user_id') return number;
  if (name === 'link') return `https://example.com/${number}`;
  const kind = name.replace(/_(name|key)$/, '').replace(/^name$/, 'some name');
  return `${kind[0]?.toUpperCase()}${kind.slice(1)} ${number}`;
}

function numbered(inputs: readonly Rows[]): Map<string, Cell> {
  const ids = new Set<number>();
  for (const { columns, rows } of inputs) {
    for (const row of rows) for (const [index, cell] of row.entries()) collect(cell, columns[index]?.name ?? '', ids);
  }
  return new Map([...ids].sort((a, b) => a - b).map((id, index) => [String(id), index + 1]));
}

function collect(cell: Cell, name: string, ids: Set<number>): void {
  if (name === 'user_id' && typeof cell === 'number') ids.add(cell);
  else if (Array.isArray(cell)) for (const item of cell) collect(item, name, ids);
  else if (cell !== null && typeof cell === 'object') {
    for (const [field, value] of Object.entries(cell)) collect(value, field, ids);
  }
}
