import { foundCell } from '../scenarios/cells.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import type { Rows } from './workbench.ts';

type Row = readonly Cell[];

/**
 * How similar the rows from smaller inputs must be to the chosen ones. `same`: in each cell. `alike`: the same key, texts and
 * booleans, nulls in the same places, and numbers with the same sign. That is for rows with ranks or shares, which depend on
 * all of the data.
 */
export type Nearness = 'same' | 'alike';

/** Whether the model still returns all of the chosen rows. */
export function holds(made: Rows | undefined, chosen: Rows, key: readonly string[], nearness: Nearness): boolean {
  if (made === undefined) return false;
  const places = chosen.columns.map(({ name }) => made.columns.findIndex((column) => column.name === name));
  const keys = chosen.columns.map(({ name }) => key.includes(name));
  const left = made.rows.map((row) => places.map((place) => foundCell(row[place] ?? null)));
  return chosen.rows.every((row) => {
    const wanted = row.map(foundCell);
    const at = left.findIndex((found) =>
      wanted.every((cell, index) => isNear(cell, found[index] ?? null, keys[index] === true ? 'same' : nearness)),
    );
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function isNear(wanted: Cell, found: Cell, nearness: Nearness): boolean {
  if (nearness === 'same' || wanted === null || found === null) return isSame(wanted, found);
  if (typeof wanted === 'number' && typeof found === 'number') return Math.sign(wanted) === Math.sign(found);
  // Timestamps may differ.
  if (isMoment(wanted) && isMoment(found)) return true;
  return isSame(wanted, found);
}

const isSame = (a: Cell, b: Cell): boolean => JSON.stringify(a) === JSON.stringify(b);

const isMoment = (cell: Cell): boolean => typeof cell === 'string' && /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?$/.test(cell);

/** Whether two results are equal, with rows in any order. */
export function isSameOutput(a: Rows, b: Rows | undefined): boolean {
  if (b === undefined || a.rows.length !== b.rows.length) return false;
  const names = (rows: Rows): string => rows.columns.map(({ name }) => name).join();
  const texts = (rows: readonly Row[]): string =>
    rows
      .map((row) => JSON.stringify(row.map(foundCell)))
      .sort()
      .join('\n');
  return names(a) === names(b) && texts(a.rows) === texts(b.rows);
}
