import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { type Bench, openBench, outcomeOf } from './reference.ts';
import { event, group, loadAll, put, rowsOf } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

describe('load reads a record as JSON.parse does', () => {
  it.each([
    [
      'at the top level',
      'users.json',
      '{"user_id":1,"country":"nl","city":"A","country":"NLD"}',
      '/country must match',
    ],
    [
      'at the top level, of which the last is valid',
      'users.json',
      '{"user_id":1,"country":"NLD","city":"A","country":"nl"}',
      undefined,
    ],
    ['through an escape', 'users.json', '{"user_id":1,"country":"nl","\\u0063ountry":"NLD"}', '/country must match'],
    [
      'inside a list, with a brace in a string between them',
      'users.json',
      '{"user_id":1,"memberships":[{"joined":5,"x":"{","group_id":6,"joined":-8}]}',
      '/memberships/0/joined must be >= 0',
    ],
    [
      'inside a list, with an object between them',
      'users.json',
      '{"user_id":1,"memberships":[{"joined":5,"x":{"y":[1]},"group_id":6,"joined":-8}]}',
      '/memberships/0/joined must be >= 0',
    ],
    [
      'whose values are whole lists',
      'users.json',
      '{"user_id":1,"memberships":[],"memberships":7}',
      '/memberships must be array',
    ],
    ['in an entity with few records', 'venues.json', '{"venue_id":1,"lat":1,"lat":100}', '/lat must be <= 90'],
  ])('if it has duplicate keys %s', async (_, file, record, reason) => {
    const paths = await temporaryPaths();
    await put(paths, file, `[${record}]`);
    await loadAll(paths);
    const rejected = await rowsOf(paths, 'select reasons from raw.rejected_records');
    expect(JSON.stringify(rejected)).toContain(reason ?? '[]');
  });

  it.each(['NaN', '-Infinity', 'Infinity', 'nan', '[1,]', '{"a":1,}', '[NaN]', '{"a":{"b":[inf]}}'])(
    'so a file with %s is rejected, in a listed or unlisted field of any entity',
    async (value) => {
      const records = {
        groups: ['{"group_id":2,"name":"a","created":1,', 'lat'],
        users: ['{"user_id":2,', 'memberships'],
        venues: ['{"venue_id":2,', 'lon'],
        events: ['{"group_id":1,"name":"a","created":1,"time":2,', 'duration'],
      } as const;
      for (const entity of ['groups', 'users', 'venues', 'events'] as const) {
        const [start, listed] = records[entity];
        for (const key of [listed, 'unlisted']) {
          const content = `[\n${start}"x":1},\n${start}"${key}":${value}}\n]`;
          const loading = outcomeOf(bench, bench.contract(entity), { entity, name: `${entity}.json`, content });
          await expect(loading).rejects.toThrow(/json is not JSON at line 3, in record 1: /);
        }
      }
    },
  );

  it.each(['{"user_id":1,}', '{"user_id":1},', '[{"user_id":1},]', '[{"user_id":1}}'])(
    'so a file with just %s is rejected',
    async (text) => {
      const paths = await temporaryPaths();
      await put(paths, 'users.json', text);
      await expect(loadAll(paths)).rejects.toThrow(/users.json is not JSON at line 1, in record \d: /);
    },
  );
});

describe('a large file with one record per line', () => {
  const lines = Array.from({ length: 5000 }, (_, i) =>
    JSON.stringify(event({ time: 1_600_000_000_000 + i, description: 'x'.repeat(900) })),
  );
  const last = (bytes: number): string => JSON.stringify(event({ time: 5, description: 'y'.repeat(bytes) }));

  it.each([8_600_000, 33_000_000])('keeps a last record of %d bytes', async (bytes) => {
    const paths = await temporaryPaths();
    await put(paths, 'events.ndjson', `${lines.join('\n')}\n${last(bytes)}`);
    expect((await loadAll(paths)).entities.events).toEqual({ read: 5001, loaded: 5001, rejected: 0 });
    expect(await rowsOf(paths, 'select length(description) from raw.events where "time" = 5')).toEqual([[bytes]]);
  });

  it('is rejected if a record exceeds the size limit', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'events.ndjson', `${lines.join('\n')}\n${last(34_000_000)}`);
    await expect(loadAll(paths)).rejects.toThrow(/events.ndjson has a record of more than 32 MB/);
    expect(await rowsOf(paths, 'select count(*) from raw.events')).toEqual([[0]]);
  });
});

describe('a gzip file with a wrong checksum', () => {
  const records = Array.from({ length: 40_000 }, (_, i) => ({ user_id: i + 1, city: 'Amsterdam' }));
  const byLine = records.map((record) => JSON.stringify(record)).join('\n');

  it.each([
    ['users.ndjson.gz', byLine],
    ['users.json.gz', JSON.stringify(records)],
    ['users.ndjson.gz', '{"user_id":1,"city":"Amsterdam"}\n'],
    ['users.json.gz', '[]'],
  ])('is rejected: %s', async (name, text) => {
    const paths = await temporaryPaths();
    const packed = gzipSync(text);
    // The last eight bytes hold the checksum and the length.
    packed[packed.length - 8] = (packed[packed.length - 8] ?? 0) ^ 1;
    await put(paths, name, packed);
    await expect(loadAll(paths)).rejects.toThrow(
      /users\.\w+\.gz can't be read \(incorrect data check\): fix or remove the file and load again/,
    );
    expect(await rowsOf(paths, 'select count(*) from raw.users')).toEqual([[0]]);
  });
});

describe('the data folder', () => {
  it('may contain symbolic links to drops and files', async () => {
    const paths = await temporaryPaths();
    const elsewhere = await temporaryFolder();
    await put(paths, 'groups.json', [group(1)]);
    await put({ ...paths, data: elsewhere }, 'groups.json', [group(2)]);
    await symlink(elsewhere, join(paths.data, '2026-12-03'));
    await symlink(join(elsewhere, 'groups.json'), join(paths.data, 'users.json'));
    const { batches, entities } = await loadAll(paths);
    expect(batches.map(({ folder }) => folder)).toEqual(['.', '2026-12-03']);
    expect(entities.users?.read).toBe(1);
  });

  it('causes a note for each file or folder that looks like data but is not loaded', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await put(paths, '2026-1-2/groups.json', [group(1)]);
    await put(paths, '2026-02-30/groups.json', [group(1)]);
    await put(paths, 'backup/groups.json', [group(1)]);
    await put(paths, '2026-12-04/more/groups.json', [group(1)]);
    await put(paths, 'Users.json', []);
    await put(paths, 'users.json.zst', 'x');
    await put(paths, 'notes/readme.txt', 'x');
    await put(paths, 'schemas/groups.schema.json', '{}');
    await mkdir(join(paths.data, 'venues.ndjson'));
    await symlink('nowhere', join(paths.data, 'users.json'));
    await symlink('nowhere', join(paths.data, '2026-12-03'));
    await symlink('.', join(paths.data, 'events.json'));
    await execa('mkfifo', [join(paths.data, 'venues.json')]);
    const effects = quietEffects();
    expect((await loadAll(paths, 1, effects)).batches.map(({ folder }) => folder)).toEqual(['.']);
    const days = 'folders are named after days, such as 2026-01-31';
    const files = 'files are named groups, users, venues, events';
    expect(effects.notes.filter((note) => note.startsWith('Not loaded')).sort()).toEqual(
      [
        `Not loaded: 2026-02-30/ (${days}).`,
        `Not loaded: 2026-1-2/ (${days}).`,
        'Not loaded: 2026-12-03 (it is a link to nothing).',
        "Not loaded: 2026-12-04/more/ (a day's folder can't contain folders).",
        `Not loaded: Users.json (${files}).`,
        `Not loaded: backup/ (${days}).`,
        'Not loaded: events.json/ (it is a folder).',
        'Not loaded: users.json (it is a link to nothing).',
        `Not loaded: users.json.zst (${files}).`,
        'Not loaded: venues.json (it is not a regular file).',
        'Not loaded: venues.ndjson/ (it is a folder).',
      ].sort(),
    );
  });
});
