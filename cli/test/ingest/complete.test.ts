import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Paths } from '../../src/config/paths.ts';
import { type LoadReport, load } from '../../src/ingest/load.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';
import { event, group, put, rowsOf } from './support.ts';

const users = (from: number, to: number): object[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ user_id: from + i }));

const loadWith = async (paths: Paths, maxGone?: number): Promise<LoadReport> =>
  (await load({ paths, maxRejected: 1, ...(maxGone === undefined ? {} : { maxGone }) }, quietEffects())).report;

/** The files that were loaded as complete. */
const completeFiles = (paths: Paths) =>
  rowsOf(paths, 'select source_file from raw.loaded_files where is_complete order by all');

describe('drop.json', () => {
  it('says which files are complete: all, some, or, without it, none', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', users(1, 2));
    await put(paths, '2026-01-02/drop.json', '{"complete": true}');
    await put(paths, '2026-01-02/users.json', users(1, 2));
    await put(paths, '2026-01-02/groups.json', [group(1)]);
    await put(paths, '2026-01-03/drop.json', '{"complete": ["groups"]}');
    await put(paths, '2026-01-03/users.json', []);
    await put(paths, '2026-01-03/groups.json', [group(1)]);
    await put(paths, '2026-01-04/drop.json', '{"complete": false}');
    await put(paths, '2026-01-04/users.json', []);
    await put(paths, '2026-01-05/drop.json', '{}');
    await put(paths, '2026-01-05/groups.json', []);
    expect(await loadWith(paths)).toMatchObject({ status: 'loaded' });
    expect(await completeFiles(paths)).toEqual([
      ['2026-01-02/groups.json'],
      ['2026-01-02/users.json'],
      ['2026-01-03/groups.json'],
    ]);
  });

  it('loads files again if they are said to be complete only later, and no others', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', users(1, 2));
    await put(paths, 'groups.json', [group(1)]);
    await loadWith(paths);
    await put(paths, 'drop.json', '{"complete": ["users"]}');
    expect(await loadWith(paths)).toMatchObject({
      status: 'loaded',
      entities: { users: { read: 2 }, groups: { read: 0 } },
    });
    expect(await completeFiles(paths)).toEqual([['users.json']]);
    expect((await loadWith(paths)).status).toBe('unchanged');
    await rm(join(paths.data, 'drop.json'));
    expect((await loadWith(paths)).status).toBe('unchanged');
  });

  it.each([
    ['no JSON', '{\n"complete": yes}', /drop\.json:2 can't be used: it is not JSON/],
    [
      'another property',
      '{\n"complete": true,\n"full": 1}',
      /drop\.json:3 can't be used: it has an unknown property "full"/,
    ],
    ['another value', '{\n"complete": "users"}', /drop\.json:2 can't be used: complete must be true, false or a list/],
    ['a list of numbers', '{"complete":\n[1]}', /drop\.json:1 can't be used: complete must be true, false or a list/],
    ['no object', '\n[]', /drop\.json:2 can't be used: it must be an object such as {"complete": true}/],
    [
      'an entity without a file',
      '{"complete": ["users",\n"groups"]}',
      /drop\.json:2 can't be used: it says that "groups" is complete, but the folder has only files of users\. Nothing was loaded/,
    ],
  ])('is refused in one sentence with its line: %s', async (_, text, sentence) => {
    const paths = await temporaryPaths();
    await put(paths, '2026-01-02/drop.json', text);
    await put(paths, '2026-01-02/users.json', users(1, 2));
    await expect(loadWith(paths)).rejects.toThrow(sentence);
  });
});

describe('a complete drop', () => {
  it('is refused if it lacks more than a share of what was there, and changes nothing', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', users(1, 20));
    await loadWith(paths);
    await put(paths, '2026-01-02/drop.json', '{"complete": true}');
    await put(paths, '2026-01-02/groups.json', [group(1)]);
    await put(paths, '2026-01-02/users.json', users(3, 25));
    const report = await loadWith(paths);
    expect(report.status).toBe('refused');
    expect(report.batches.at(-1)?.message).toMatch(
      /^2026-01-02\/users\.json lacks 2 of the 20 users that were there before \(10\.0 %\), more than the 5 % of --max-gone/,
    );
    expect(await rowsOf(paths, 'select (select count(*) from raw.users), (select count(*) from raw.groups)')).toEqual([
      [20, 0],
    ]);
    expect(await loadWith(paths, 0.1)).toMatchObject({ status: 'loaded' });
  });

  it('is refused if it is empty', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', users(1, 3));
    await put(paths, '2026-01-02/drop.json', '{"complete": true}');
    await put(paths, '2026-01-02/users.json', '');
    expect((await loadWith(paths)).batches.at(-1)?.message).toMatch(/lacks 3 of the 3 users .* \(100\.0 %\)/);
  });

  it('lacks nothing that an earlier complete drop already lacked, or that is only rejected in it', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', users(1, 4));
    await put(paths, '2026-01-02/drop.json', '{"complete": true}');
    await put(paths, '2026-01-02/users.json', users(2, 4));
    expect((await loadWith(paths, 0.25)).status).toBe('loaded');
    await put(paths, '2026-01-03/drop.json', '{"complete": true}');
    await put(paths, '2026-01-03/users.json', [...users(2, 3), { user_id: 4, city: 5 }]);
    expect(await loadWith(paths, 0)).toMatchObject({ status: 'loaded', entities: { users: { rejected: 1 } } });
  });

  it('is compared with what was there on its own day if it arrives late', async () => {
    const paths = await temporaryPaths();
    await put(paths, '2026-01-01/users.json', users(1, 2));
    await put(paths, '2026-01-05/users.json', users(3, 9));
    await loadWith(paths);
    await put(paths, '2026-01-03/drop.json', '{"complete": true}');
    await put(paths, '2026-01-03/users.json', users(2, 2));
    expect((await loadWith(paths, 0.4)).batches.at(-1)?.message).toMatch(/lacks 1 of the 2 users/);
    expect((await loadWith(paths, 0.5)).status).toBe('loaded');
  });

  it('counts events by all properties of their key', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'events.json', [event(), event({ time: 1_700_700_000_000 })]);
    await put(paths, '2026-01-02/drop.json', '{"complete": ["events"]}');
    await put(paths, '2026-01-02/events.json', [event()]);
    expect((await loadWith(paths)).batches.at(-1)?.message).toMatch(/lacks 1 of the 2 events/);
  });
});
