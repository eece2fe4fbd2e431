import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryPaths } from '../support/effects.ts';
import { event, group, loadAll, put, rowsOf } from './support.ts';

describe('loading a folder', () => {
  it('appends every record with its origin', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1, { topics: ['rust', 'wasm'] }), group(2)]);
    const report = await loadAll(paths);
    expect(report.status).toBe('loaded');
    expect(report.entities.groups).toEqual({ read: 2, loaded: 2, rejected: 0 });
    expect(
      await rowsOf(
        paths,
        'select group_id, topics, _batch_seq, _dropped_on, _source_file, _record_index from raw.groups order by 1',
      ),
    ).toEqual([
      [1, ['rust', 'wasm'], 1, '1970-01-01', 'groups.json', 0],
      [2, null, 1, '1970-01-01', 'groups.json', 1],
    ]);
  });

  it('reads arrays, one record per line, and both of them gzipped', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await put(paths, 'venues.ndjson', '{"venue_id":1}\r\n\n{"venue_id":2}\n');
    await put(
      paths,
      'users.jsonl.gz',
      gzipSync('{"user_id":1,"memberships":[{"joined":5,"group_id":1}]}\n{"user_id":2}'),
    );
    await put(paths, 'events.json.gz', gzipSync(JSON.stringify([event()])));
    const { entities } = await loadAll(paths);
    expect([entities.groups?.loaded, entities.venues?.loaded, entities.users?.loaded, entities.events?.loaded]).toEqual(
      [1, 2, 2, 1],
    );
    expect(await rowsOf(paths, 'select memberships from raw.users where user_id = 1')).toEqual([
      [[{ joined: 5, group_id: 1 }]],
    ]);
  });

  it('changes nothing if the content was loaded before', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'events.json', [event()]);
    await loadAll(paths);
    const again = await loadAll(paths);
    expect(again).toMatchObject({ status: 'unchanged', batch: null });
    expect(await rowsOf(paths, 'select count(*) from raw.events')).toEqual([[1]]);
    expect(await rowsOf(paths, 'select count(*) from raw.batches')).toEqual([[1]]);
  });

  it('loads the dump first and then the daily drops in order, each as a batch', async () => {
    const paths = await temporaryPaths();
    await put(paths, '2026-11-02/groups.json', [group(3)]);
    await put(paths, '2026-11-01/groups.json', [group(2)]);
    await put(paths, 'groups.json', [group(1)]);
    const report = await loadAll(paths);
    expect(report.batches.map(({ folder }) => folder)).toEqual(['.', '2026-11-01', '2026-11-02']);
    expect(await rowsOf(paths, 'select group_id, _batch_seq, _dropped_on from raw.groups order by 2')).toEqual([
      [1, 1, '1970-01-01'],
      [2, 2, '2026-11-01'],
      [3, 3, '2026-11-02'],
    ]);
  });

  it('dates a dump that arrives after daily drops like the latest of them', async () => {
    const paths = await temporaryPaths();
    await put(paths, '2026-11-01/groups.json', [group(1)]);
    await loadAll(paths);
    await put(paths, 'groups.json', [group(1, { name: 'Renamed' })]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select name, _dropped_on from raw.groups order by _batch_seq')).toEqual([
      ['Group 1', '2026-11-01'],
      ['Renamed', '2026-11-01'],
    ]);
  });

  it('reads no records from an empty file or an empty array', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', '');
    await put(paths, 'users.json', '[]');
    await put(paths, 'venues.json', '[\n]\n');
    expect(await loadAll(paths)).toMatchObject({
      status: 'loaded',
      entities: { groups: { read: 0 }, users: { read: 0 }, venues: { read: 0 } },
    });
    expect(await loadAll(paths)).toMatchObject({ status: 'unchanged' });
  });

  it('ignores fields that are not in the schema', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'events.json', [
      event({ extra: { deep: [1] }, rsvps: [{ user_id: 1, when: 5, response: 'no', extra: 'x' }] }),
    ]);
    expect((await loadAll(paths)).entities.events).toEqual({ read: 1, loaded: 1, rejected: 0 });
  });

  it('preserves emoji, right-to-left text, NUL characters and a description of 200 kB', async () => {
    const paths = await temporaryPaths();
    const long = `<p>${'x'.repeat(200_000)}</p>`;
    await put(paths, 'events.json', [event({ name: 'קפה ☕ 🦀', description: `a\u0000b${long}` })]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select name, description from raw.events')).toEqual([['קפה ☕ 🦀', `a\u0000b${long}`]]);
  });

  it('creates a column for every property in the schemas, and no others', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await loadAll(paths);
    for (const entity of ['groups', 'users', 'events', 'venues']) {
      const schema: { properties: object } = JSON.parse(readFileSync(`${paths.schemas}/${entity}.schema.json`, 'utf8'));
      const columns = await rowsOf(
        paths,
        `select column_name from duckdb_columns() where schema_name = 'raw' and table_name = '${entity}' and column_name not like '\\_%' escape '\\'`,
      );
      expect(columns.map(([name]) => name).sort()).toEqual(Object.keys(schema.properties).sort());
    }
  });
});

describe('records that fail validation', () => {
  it('are stored whole in raw.rejected_records, with file, position and every reason', async () => {
    const paths = await temporaryPaths();
    const bad = event({ group_id: '1', rsvps: [{ user_id: 1, when: 5, response: 'maybe' }] });
    await put(paths, 'events.json', [event(), bad]);
    const report = await loadAll(paths);
    expect(report.entities.events).toEqual({ read: 2, loaded: 1, rejected: 1 });
    expect(
      await rowsOf(
        paths,
        'select entity, reasons, record::json = $$' +
          JSON.stringify(bad) +
          '$$::json, _source_file, _record_index from raw.rejected_records',
      ),
    ).toEqual([
      [
        'events',
        [
          '/group_id must be integer',
          '/rsvps/0/response must be equal to one of the allowed values (["yes","no","waitlist"])',
        ],
        true,
        'events.json',
        1,
      ],
    ]);
  });

  it.each([
    ['a latitude of 200', 'groups.json', group(1, { lat: 200 }), '/lat must be <= 90'],
    ['a link that is not a URL', 'groups.json', group(1, { link: 'no link' }), '/link must match format "uri"'],
    ['a missing key', 'users.json', { city: 'Ghent' }, "/ must have required property 'user_id'"],
    ['a fraction for an integer', 'events.json', event({ duration: 1.5 }), '/duration must be integer,null'],
    ['an integer beyond 2^53', 'events.json', event({ venue_id: 2 ** 60 }), '/venue_id must be <= 9007199254740991'],
    ['an end before its start', 'events.json', event({ duration: -1 }), '/duration must be >= 0'],
    ['a number for a string', 'events.json', event({ name: 5 }), '/name must be string'],
    ['true for a number', 'events.json', event({ rsvp_limit: true }), '/rsvp_limit must be integer,null'],
    ['an object for a list', 'events.json', event({ rsvps: {} }), '/rsvps must be array,null'],
    ['a record that is not an object', 'events.json', 7, '/ must be object'],
    ['a null among the RSVPs', 'events.json', event({ rsvps: [null] }), '/rsvps/0 must be object'],
    [
      'a country of three letters',
      'venues.json',
      { venue_id: 1, country: 'NLD' },
      '/country must match pattern "^[A-Za-z]{2}$"',
    ],
  ])('are rejected with the reason: %s', async (_, file, record, reason) => {
    const paths = await temporaryPaths();
    await put(paths, file, [record]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select reasons from raw.rejected_records')).toEqual([[[reason]]]);
  });

  it('may make up the whole file if --max-rejected allows it', async () => {
    const paths = await temporaryPaths();
    await put(
      paths,
      'users.json',
      Array.from({ length: 500 }, () => ({ user_id: 'x' })),
    );
    expect((await loadAll(paths, 1)).entities.users).toEqual({ read: 500, loaded: 0, rejected: 500 });
    expect(await rowsOf(paths, 'select count(*), count(distinct rejected_id) from raw.rejected_records')).toEqual([
      [500, 500],
    ]);
  });

  it('cause the batch to be refused if their share is too high, leaving the database unchanged', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await loadAll(paths);
    await put(paths, 'groups.json', [group(2)]);
    await put(paths, 'users.json', [{ user_id: 1 }, { user_id: 'x' }]);
    const report = await loadAll(paths, 0.1);
    expect(report.status).toBe('refused');
    expect(report.batches[0]?.message).toMatch(
      /^users.json: 1 of 2 records \(50.0 %\) failed validation, more than the 10 % of --max-rejected, .*record 1: \/user_id must be integer/,
    );
    expect(await rowsOf(paths, 'select group_id from raw.groups')).toEqual([[1]]);
    expect(await rowsOf(paths, 'select count(*) from raw.rejected_records')).toEqual([[0]]);
  });
});

describe('files that cannot be read', () => {
  it.each([
    [
      'truncated in a record',
      '[{"group_id":1,"name":"a","created":1},\n{"group_id":2,"na',
      /groups.json is not JSON at line 2, in record 1: .*truncated/,
    ],
    ['truncated after a comma', '[{"group_id":1,"name":"a","created":1},', /at line 1, in record 1: .*truncated/],
    [
      'truncated between two records',
      '[{"group_id":1,"name":"a","created":1}\n',
      /at line 2, in record 0: .*truncated/,
    ],
    [
      'broken in the middle',
      '[{"group_id":1,"name":"a","created":1},\n{"group_id":tru},\n{}]',
      /at line 2, in record 1: .*Unexpected token/,
    ],
    ['with something after the array', '[]\nx', /something follows the array: 'x'/],
    ['not JSON at all', 'hello', /at line 1, in record 0: .*one array of records, or one record per line/],
    [
      'a pretty-printed object',
      '{\n  "groups": []\n}',
      /at line 1, in record 0: .*one array of records, or one record per line/,
    ],
    ['half a surrogate pair', '[{"group_id":1,"name":"\\ud800","created":1}]', /half of a surrogate pair/],
  ])('are rejected with line and record: %s', async (_, text, sentence) => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', text);
    await expect(loadAll(paths)).rejects.toThrow(sentence);
    expect(await rowsOf(paths, 'select count(*) from raw.groups')).toEqual([[0]]);
  });

  it('are rejected if they are not UTF-8', async () => {
    const paths = await temporaryPaths();
    await put(
      paths,
      'groups.json',
      Buffer.concat([Buffer.from('[{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}]')]),
    );
    await expect(loadAll(paths)).rejects.toThrow(/not UTF-8/);
  });

  it('are rejected if the gzip data is truncated', async () => {
    const paths = await temporaryPaths();
    const whole = gzipSync(JSON.stringify(Array.from({ length: 5000 }, (_, i) => group(i + 1))));
    await put(paths, 'groups.json.gz', whole.subarray(0, whole.length / 2));
    await expect(loadAll(paths)).rejects.toThrow(
      /groups.json.gz .*(unexpected end of file|can't be unpacked|can't be read)/,
    );
    expect(await rowsOf(paths, 'select count(*) from raw.groups')).toEqual([[0]]);
  });

  it('do not undo the drops loaded before them', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await put(paths, '2026-11-01/groups.json', '[{');
    await expect(loadAll(paths)).rejects.toThrow(/2026-11-01\/groups.json is not JSON/);
    expect(await rowsOf(paths, 'select group_id from raw.groups')).toEqual([[1]]);
  });

  it('do not include files and folders with other names', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    await put(paths, 'members.json', []);
    await put(paths, '2026-02-30/groups.json', [group(1)]);
    expect(await loadAll(paths)).toMatchObject({ status: 'loaded', batches: [{ folder: '.' }] });
  });
});

describe('a missing or empty data folder', () => {
  it('is an error that says what to do', async () => {
    const paths = await temporaryPaths();
    await expect(loadAll(paths)).rejects.toThrow(/The data folder .* does not exist/);
    await put(paths, 'notes.txt', 'x');
    await expect(loadAll(paths)).rejects.toThrow(/There is nothing to load in /);
  });
});
