import { MeetupError } from '../config/errors.ts';
import type { Choice } from './choice.ts';
import type { Seed } from './closure.ts';
import { identifies, type Relations } from './references.ts';
import type { SourceTable } from './source-tables.ts';

/**
 * The tables in which the rows of a choice begin: those that have the key's column, or the one that is named with it.
 * @throws MeetupError if no table has it, or it identifies the rows of several.
 */
export function seedsOf(choice: Choice, tables: readonly SourceTable[], relations: Relations): Seed[] {
  const parts = choice.key.split('.');
  const column = (parts.at(-1) ?? '').toLowerCase();
  const owner = parts.slice(0, -1).join('.').toLowerCase();
  const named = tables.filter(
    ({ name, table }) =>
      owner === '' ||
      name.toLowerCase() === owner ||
      table.toLowerCase() === owner ||
      name.toLowerCase().endsWith(`.${owner}`),
  );
  const having = named.filter(({ columns }) => columns.has(column));
  if (having.length === 0) throw noSuchKey(choice, tables, relations);
  const identified = having.filter(({ id }) => identifies(relations, id, column));
  if (identified.length > 1) {
    throw new MeetupError(
      `${choice.key} is a key of ${identified.map(({ name }) => name).join(' and of ')}: name the table too, such as ${identified[0]?.name}.${parts.at(-1)}.`,
    );
  }
  return having.map(({ id, brought }) => ({
    table: id,
    column: brought.find(({ name }) => name.toLowerCase() === column)?.name ?? column,
    wanted: choice.wanted,
  }));
}

function noSuchKey({ key }: Choice, tables: readonly SourceTable[], { keys, references }: Relations): MeetupError {
  const known = tables.flatMap(({ id, name }) =>
    [
      ...new Set([
        ...(keys.get(id) ?? []),
        ...references.filter(({ parent }) => parent === id).map((one) => one.column),
      ]),
    ].map((column) => `${name}.${column}`),
  );
  const what = known.length === 0 ? 'name a column of a source' : `known keys are ${known.join(', ')}`;
  return new MeetupError(`No source has a column ${key}: ${what}.`);
}
