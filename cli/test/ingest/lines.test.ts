import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { fingerprint } from '../../src/ingest/drops.ts';
import { CutError } from '../../src/ingest/lines.ts';
import { loadFile } from '../../src/ingest/load-file.ts';
import { createRawTables, rawTablesOf } from '../../src/ingest/raw-tables.ts';
import { readContracts } from '../../src/ingest/schemas.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { event, loadAll, put, rowsOf } from './support.ts';

const one = '{"user_id":1}';
const two = '{"user_id":2}';
const bad = '{"user_id":"3"}';

/** The user ids by position after loading this text as a users.json that is split by line. */
async function byLine(text: string): Promise<unknown> {
  const contracts = await readContracts(resolvePaths({}, {}, process.cwd()).schemas);
  const contract = contracts.get('users');
  if (contract === undefined) throw new TypeError('The entity users has no schema.');
  const path = join(await temporaryFolder(), 'users.json');
  await writeFile(path, text);
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await createRawTables(warehouse, rawTablesOf(contracts));
    const batch = { id: 'b', seq: 1, droppedOn: '2026-01-01', loadedAt: '2026-01-01 00:00:00' };
    const read = await fingerprint(path, new AbortController().signal);
    const file = { entity: 'users', path, sourceFile: 'users.json', isComplete: false, ...read };
    const counts = await loadFile({ warehouse, file, batch, contract }, 'by line');
    const kept = await warehouse.query(
      'select _record_index, user_id, _batch_id, _source_file from raw.users order by 1',
    );
    const rejected = await warehouse.query('select _record_index from raw.rejected_records');
    expect(counts.read).toBe(kept.rows.length + rejected.rows.length);
    for (const row of kept.rows) expect(row.slice(2)).toEqual(['b', 'users.json']);
    return { kept: kept.rows.map((row) => row.slice(0, 2)), rejected: rejected.rows.map(([index]) => index) };
  } finally {
    await warehouse.close();
  }
}

describe('a file with one record per line', () => {
  it.each([
    ['brackets on separate lines', `[\n${one},\n${bad},\n${two}\n]\n`],
    ['brackets next to the records', `[${one},\n${bad},\n${two}]`],
    ['whitespace at the ends of lines', `[ \n${one}, \n${bad},\t\n${two} \n] \n`],
  ])('keeps the position of each record: %s', async (_, text) => {
    expect(await byLine(text)).toEqual({
      kept: [
        [0, 1],
        [2, 2],
      ],
      rejected: [1],
    });
  });

  it('keeps the order of its records in a file of several buffers, with invalid and equal records among them', async () => {
    const pad = 'x'.repeat(4000);
    const records = Array.from({ length: 6000 }, (_, i) => ({
      user_id: i % 50 === 7 ? `${i}` : 1 + (i % 5000),
      hometown: pad,
    }));
    const [valid, invalid] = [true, false].map((isValid) =>
      records.flatMap(({ user_id: id }, i) => ((typeof id === 'number') === isValid ? [[i, id]] : [])),
    );
    const text = `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]`;
    expect(await byLine(text)).toEqual({ kept: valid, rejected: invalid?.map(([index]) => index) });
  });

  it('keeps records in doubt in their places, whether or not they are written as JSON.stringify does', async () => {
    const spaced = '  {"user_id" : 4, "unlisted": {"a": 1}}';
    const repeated = '{"user_id":5,"user_id":6}';
    const unlisted = '{"unlisted":[1,"2,"],"user_id":7}';
    const lines = [one, spaced, repeated, `${unlisted}\t`, bad, unlisted.replace('7', '8')];
    expect(await byLine(`[\n${lines.join(' ,\n')}\n]\n`)).toEqual({
      kept: [
        [0, 1],
        [1, 4],
        [2, 6],
        [3, 7],
        [5, 8],
      ],
      rejected: [4],
    });
  });

  it('does not need an array around the records', async () => {
    expect(await byLine(`${one}\n${bad}\n${two}\n`)).toEqual({
      kept: [
        [0, 1],
        [2, 2],
      ],
      rejected: [1],
    });
  });

  it.each([
    ['a missing comma', `[\n${one}\n${two}\n]`],
    ['an extra comma', `[\n${one},\n${two},\n]`],
    ['two records on a line', `[\n${one},${two},\n${two}\n]`],
    ['an array on one line', `[${one},${two}]`],
    ['pretty-printed records', '[\n{\n"user_id":1\n}\n]'],
    ['a record that is not JSON', `[\n${one},\n{"user_id":tru},\n${two}\n]`],
    ['Windows line endings', `[\r\n${one},\r\n${two}\r\n]`],
    ['a bracket in the middle', `[\n${one},\n[\n${two}\n]`],
    ['an empty line in the middle', `[\n${one},\n\n${two}\n]`],
  ])('is split by its JSON structure instead if its lines are irregular: %s', async (_, text) => {
    await expect(byLine(text)).rejects.toThrow(CutError);
  });

  it('is loaded with the same result as the same records on one line', async () => {
    const events = Array.from({ length: 12_000 }, (_, i) =>
      event({ time: 1_600_000_000_000 + i, description: 'x'.repeat(200) }),
    );
    const lines = await temporaryPaths();
    await put(lines, 'events.json', `[\n${events.map((record) => JSON.stringify(record)).join(',\n')}\n]`);
    await loadAll(lines);
    const oneLine = await temporaryPaths();
    await put(oneLine, 'events.json', events);
    await loadAll(oneLine);
    const content =
      'select count(*), bit_xor(hash("time", name, description, rsvps, _record_index))::varchar from raw.events';
    expect(await rowsOf(lines, content)).toEqual(await rowsOf(oneLine, content));
    expect((await rowsOf(lines, content))[0]?.[0]).toBe(12_000);
  });

  it('is loaded whole, in order, if a line is longer than usual and records in other orders of keys are among them', async () => {
    const events = Array.from({ length: 14_000 }, (_, i) => {
      const record = event({ time: 1_600_000_000_000 + i, description: 'x'.repeat(i === 9000 ? 3_000_000 : 200) });
      return i % 20 === 5 ? Object.fromEntries(Object.entries(record).reverse()) : record;
    });
    const paths = await temporaryPaths();
    const text = (records: readonly object[]): string =>
      `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]`;
    await put(paths, 'events.json', text(events));
    await loadAll(paths);
    await put(paths, 'events.json', text(events.toReversed()));
    await loadAll(paths);
    const order = `select _batch_seq, count(*), count(*) filter ("time" = 1600000000000 + case _batch_seq when 1 then _record_index else 13999 - _record_index end),
      max(length(description)) from raw.events group by all order by all`;
    expect(await rowsOf(paths, order)).toEqual([
      [1, 14_000, 14_000, 3_000_000],
      [2, 14_000, 14_000, 3_000_000],
    ]);
  });
});
