import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { anonymise, type Input, type Kept, type Place } from './anonymise.ts';
import type { CompiledModel } from './compiled-model.ts';
import { minimise } from './ddmin.ts';
import type { Declared } from './declared.ts';
import { holds, isSameOutput, type Nearness } from './goal.ts';
import { conditionsFor, keyCondition, MOST_SLICED } from './slicing.ts';
import { valuesInSql } from './sql-values.ts';
import { type Column, isNested, type Rows, type Workbench } from './workbench.ts';

export interface Reduced {
  /** In the order of the model's inputs: the rows that are left, and the columns that are read. */
  readonly given: readonly Rows[];
  /** The model's whole result for them. */
  readonly expected: Rows;
  readonly nearness: Nearness;
  /** Values of the inputs that were kept, and why. */
  readonly kept: readonly Kept[];
}

/** The maximum number of input rows of a test. */
export const MOST_GIVEN = 60;
const MOST_EXPECTED = 500;

/** How long to search for fewer rows: while there are too many for a test, and in total (milliseconds). */
const PATIENCE_MS = { tooMany: 8_000, few: 40_000 };

/**
 * Finds the fewest input rows that produce the chosen rows, without columns that the model doesn't read and without
 * personal data.
 * @returns undefined if a test would need too many rows to be readable.
 */
export async function findInputs(
  bench: Workbench,
  model: CompiledModel,
  chosen: Rows,
  key: readonly string[],
  effects: Effects,
): Promise<Reduced | undefined> {
  const [near = [], wider = [], all = []] = await conditionsFor(bench, model, chosen);
  const where = keyCondition(chosen, key);
  // If related rows don't produce the chosen ones, all rows may, but then nearly all of them are usually needed.
  const related = [
    { nearness: 'same', slices: [near, wider] },
    { nearness: 'alike', slices: [wider] },
  ] as const;
  const everything = [
    { nearness: 'same', slices: [all] },
    { nearness: 'alike', slices: [all] },
  ] as const;
  const attempts = wider.join() === all.join() ? related : [...related, ...everything];
  for (const { nearness, slices } of attempts) {
    const fits = async (): Promise<boolean> => holds(await bench.output(where), chosen, key, nearness);
    if (!(await sliceThatHolds(bench, slices, fits))) continue;
    const numbers = await fewestRows(bench, fits, effects);
    if (total(numbers) <= MOST_GIVEN) return { ...(await finish(bench, model, fits)), nearness };
  }
  return undefined;
}

/** Selects the narrowest slices from which the model produces the chosen rows. */
async function sliceThatHolds(
  bench: Workbench,
  conditions: readonly (readonly string[])[],
  fits: () => Promise<boolean>,
): Promise<boolean> {
  for (const some of conditions) {
    await bench.slice(some);
    if (bench.slices.reduce((sum, { size }) => sum + size, 0) > MOST_SLICED) return false;
    if (await fits()) return true;
  }
  return false;
}

/** Removes rows from one input after the other, the largest first, until no single row can be removed. */
async function fewestRows(
  bench: Workbench,
  fits: () => Promise<boolean>,
  effects: Effects,
): Promise<readonly (readonly number[])[]> {
  const started = effects.clock.elapsed();
  const kept: (readonly number[])[] = bench.slices.map(({ size }) => Array.from({ length: size }, (_, row) => row + 1));
  const budget = {
    isSpent: () => {
      const spent = effects.clock.elapsed() - started;
      return spent > (total(kept) > MOST_GIVEN ? PATIENCE_MS.tooMany : PATIENCE_MS.few);
    },
  };
  const order = [...kept.keys()].sort((a, b) => (kept[b]?.length ?? 0) - (kept[a]?.length ?? 0));
  for (let before = -1; before !== total(kept) && !budget.isSpent(); ) {
    before = total(kept);
    for (const index of order) {
      const fewer = await minimise(
        kept[index] ?? [],
        async (rest) => {
          if (effects.signal.aborted) throw new InterruptedError();
          await bench.choose(index, rest);
          return fits();
        },
        budget,
      );
      kept[index] = fewer;
      await bench.choose(index, fewer);
    }
  }
  return kept;
}

const total = (kept: readonly (readonly number[])[]): number => kept.reduce((sum, rows) => sum + rows.length, 0);

type Finished = Pick<Reduced, 'given' | 'expected' | 'kept'>;

/** Turns chosen rows into those of a test: shortens lists, drops unread columns, replaces personal data, and runs the model. */
async function finish(bench: Workbench, model: CompiledModel, fits: () => Promise<boolean>): Promise<Finished> {
  const given: Rows[] = [];
  for (const index of model.inputs.keys()) given.push(await bench.chosen(index));
  return finishRows(bench, model, await withShorterLists(bench, given, fits));
}

/** Like `finish`, for given rows that all stay. */
export async function finishRows(bench: Workbench, model: CompiledModel, rows: readonly Rows[]): Promise<Finished> {
  const read = await withReadColumns(bench, rows);
  const { given, expected, kept } = await withoutPersonalData(bench, model, read);
  if (expected.rows.length > MOST_EXPECTED) {
    throw new MeetupError(
      `${model.name} returns ${expected.rows.length} rows for any input, too many for a readable test: write one by hand.`,
    );
  }
  return { given: given.map(withoutEmptyColumns), expected, kept };
}

async function outputOf(bench: Workbench, given: readonly Rows[]): Promise<Rows | undefined> {
  for (const [index, rows] of given.entries()) await bench.replace(index, rows);
  return bench.output();
}

/** A column counts as unread if removing it causes neither an error nor a difference. */
async function withReadColumns(bench: Workbench, given: readonly Rows[]): Promise<Rows[]> {
  const whole = await outputOf(bench, given);
  if (whole === undefined) throw new Error('The model does not run on its own inputs.');
  const read = [...given];
  for (const [index, input] of given.entries()) {
    for (const column of input.columns) {
      const before = read[index] ?? input;
      const without = withoutColumn(before, column);
      await bench.replace(index, without);
      if (isSameOutput(whole, await bench.output())) read[index] = without;
      else await bench.replace(index, before);
    }
  }
  return read;
}

function withoutColumn({ columns, rows }: Rows, column: Column): Rows {
  const at = columns.findIndex(({ name }) => name === column.name);
  return { columns: columns.toSpliced(at, 1), rows: rows.map((row) => row.toSpliced(at, 1)) };
}

/** Removes items of nested lists that the chosen rows don't need. */
async function withShorterLists(
  bench: Workbench,
  given: readonly Rows[],
  fits: () => Promise<boolean>,
): Promise<readonly Rows[]> {
  if (!given.some(({ columns }) => columns.some(isNested))) return given;
  await outputOf(bench, given);
  const shorter = [...given];
  for (const [index, input] of given.entries()) {
    for (const [row, cells] of input.rows.entries()) {
      for (const [column, cell] of cells.entries()) {
        if (!Array.isArray(cell)) continue;
        const put = (items: readonly Cell[]): Rows => withCell(shorter[index] ?? input, row, column, [...items]);
        const items = await minimise(cell, async (rest) => {
          await bench.replace(index, put(rest));
          return fits();
        });
        shorter[index] = put(items);
        await bench.replace(index, put(items));
      }
    }
  }
  return shorter;
}

function withCell({ columns, rows }: Rows, row: number, column: number, cell: Cell): Rows {
  return { columns, rows: rows.map((cells, at) => (at === row ? cells.with(column, cell) : cells)) };
}

/**
 * Replaces data that may be personal. The model must still return as many rows.
 * @throws MeetupError if it doesn't, with the column that it needs.
 */
async function withoutPersonalData(bench: Workbench, model: CompiledModel, given: readonly Rows[]): Promise<Finished> {
  const before = await outputOf(bench, given);
  const sql = valuesInSql(model.sql);
  const inputs = given.map((rows, index): Input => {
    const { reference = '', declared = new Map<string, Declared>() } = model.inputs[index] ?? {};
    return { reference, rows, declared };
  });
  const attempt = async (frozen?: (place: Place) => boolean): Promise<Finished | undefined> => {
    const { given: anonymised, kept } = anonymise(inputs, sql, frozen);
    // A text that must be a number or a timestamp may no longer be one.
    const expected = await outputOf(bench, anonymised).catch(() => undefined);
    return expected !== undefined && expected.rows.length === before?.rows.length
      ? { given: anonymised, expected, kept }
      : undefined;
  };
  const made = await attempt();
  if (made !== undefined) return made;
  for (const { reference, rows } of inputs) {
    for (const { name } of rows.columns) {
      const without = await attempt(({ input, column }) => input === reference && column === name);
      if (without !== undefined) throw needsOriginal(model, `${reference}.${name}`);
    }
  }
  throw needsOriginal(model, 'data that may be personal');
}

const needsOriginal = ({ name }: CompiledModel, what: string): MeetupError =>
  new MeetupError(
    `${name} returns different rows once ${what} is replaced: if it is not personal, declare that with \`meta: {personal: false}\` on the column; otherwise choose another row, or write the test by hand.`,
  );

/** Drops columns that are always null, which dbt fills in, except in rows that are written as SQL because of lists. */
function withoutEmptyColumns({ columns, rows }: Rows): Rows {
  if (columns.some(isNested)) return { columns, rows };
  const kept = columns.flatMap((_column, at) => (rows.some((row) => (row[at] ?? null) !== null) ? [at] : []));
  // A row needs at least one column.
  const named = kept.length === 0 && columns.length > 0 ? [0] : kept;
  return {
    columns: named.flatMap((at) => columns[at] ?? []),
    rows: rows.map((row) => named.map((at) => row[at] ?? null)),
  };
}
