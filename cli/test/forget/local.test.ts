import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/forget.ts';
import type { Paths } from '../../src/config/paths.ts';
import { findInFixtures, rewriteFixtures } from '../../src/forget/fixtures.ts';
import { removeLocal, searchLocal } from '../../src/forget/local.ts';
import { receiptText } from '../../src/forget/receipt-text.ts';
import { findSubject, parseGiven } from '../../src/forget/subject.ts';
import { readTombstones, TOMBSTONES, type Tombstones } from '../../src/ingest/forgotten/tombstones.ts';
import { readContracts } from '../../src/ingest/schemas.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { event, loadAll, put, rowsOf } from '../ingest/support.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { runInProcess } from '../support/run-cli.ts';

const user = (id: number, more: object = {}) => ({ user_id: id, hometown: `Town ${id}.`, memberships: [], ...more });
const answer = (id: number) => ({ user_id: id, when: 1_700_100_000_000, response: 'yes', guests: 0 });

async function forget(paths: Paths, ...keys: string[]): Promise<Tombstones> {
  const contracts = await readContracts(paths.schemas);
  const { entity, key, values } = findSubject(keys.map(parseGiven), contracts, undefined);
  const { all } = (await readTombstones(paths.data)).with(entity, key, values, 0);
  await removeLocal({ paths, contracts, effects: quietEffects() }, all);
  return all;
}

describe('the raw tables after a person was forgotten', () => {
  const invalid = (id: number) => user(id, { country: 'nowhere' });
  const files = (without: (id: number) => boolean) => {
    const users = [user(1), user(2), invalid(3), user(2), invalid(2), invalid(4), user(5)];
    const later = [user(2), user(1)];
    const events = [
      event({ rsvps: [1, 2, 5, 2].filter((id) => !without(id)).map(answer) }),
      event({ time: 1_700_700_000_000, rsvps: null }),
    ];
    const left = (records: { user_id: number }[]) => records.filter(({ user_id: id }) => !without(id));
    return { 'users.json': left(users), 'events.json': events, '2026-01-02/users.json': left(later) };
  };
  const content = (paths: Paths) =>
    Promise.all(
      [
        'select * exclude (_batch_id, _loaded_at) from raw.users order by all',
        'select * exclude (_batch_id, _loaded_at) from raw.events order by all',
        'select * exclude (rejected_id, _batch_id, _loaded_at) from raw.rejected_records order by all',
        'select * exclude (batch_id) from raw.loaded_files order by all',
      ].map((sql) => rowsOf(paths, sql)),
    );

  it('are those of a load of files without that person, with positions, counts and checksums', async () => {
    const [paths, without] = [await temporaryPaths(), await temporaryPaths()];
    for (const [name, records] of Object.entries(files(() => false))) await put(paths, name, records);
    for (const [name, records] of Object.entries(files((id) => id === 2))) await put(without, name, records);
    await loadAll(paths);
    await loadAll(without);
    const tombstones = await forget(paths, 'user_id=2');
    expect(await content(paths)).toEqual(await content(without));
    expect((await loadAll(paths)).status).toBe('unchanged');
    const contracts = await readContracts(paths.schemas);
    expect(await searchLocal({ paths, contracts, effects: quietEffects() }, tombstones)).toEqual({
      files: [],
      tables: [],
      notSearched: [],
    });
  });

  it('leave nothing of that person in the blocks of the database', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [user(1), user(2, { hometown: 'Zyzzyx-sur-Mer' }), user(3)]);
    await loadAll(paths);
    expect((await readFile(paths.workDatabase)).includes('Zyzzyx-sur-Mer')).toBe(true);
    await forget(paths, 'user_id=2');
    expect((await readFile(paths.workDatabase)).includes('Zyzzyx-sur-Mer')).toBe(false);
    expect(existsSync(join(paths.state, 'work', 'spare.duckdb'))).toBe(false);
  });

  it('keep the tables of snapshots, without that person, and lose everything that is built', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [user(1), user(2)]);
    await loadAll(paths);
    const warehouse = await openWork(paths);
    await warehouse.run('create schema marts');
    await warehouse.run('create table marts.members as select user_id from raw.users');
    await warehouse.run('create view marts.newest as select user_id from marts.members');
    await warehouse.run("create table marts.history as select user_id, hometown, 'x' as dbt_scd_id from raw.users");
    await warehouse.close();
    await forget(paths, 'user_id=2');
    expect(
      await rowsOf(paths, "select table_name from information_schema.tables where table_schema = 'marts'"),
    ).toEqual([['history']]);
    expect(await rowsOf(paths, 'select user_id from marts.history')).toEqual([[1]]);
  });
});

describe('a key', () => {
  async function withSchemas(schemas: Record<string, object>): Promise<Paths> {
    const folder = await temporaryFolder();
    const paths = { ...(await temporaryPaths()), schemas: join(folder, 'schemas') };
    for (const [name, schema] of Object.entries(schemas))
      await put({ ...paths, data: paths.schemas }, `${name}.schema.json`, JSON.stringify(schema));
    return paths;
  }
  const people = {
    type: 'object',
    'x-meetup': { key: ['email'] },
    required: ['email'],
    properties: { email: { type: 'string' }, note: { type: ['string', 'null'] } },
  };
  const orders = {
    type: 'object',
    'x-meetup': { key: ['shop', 'number'] },
    required: ['shop', 'number'],
    properties: {
      shop: { type: 'string' },
      number: { type: 'integer' },
      email: { type: ['string', 'null'] },
      sent_to: { type: 'array', items: { type: 'string', 'x-meetup': { references: 'people' } } },
    },
  };

  it('is any key of any schema: a text, to which other entities refer', async () => {
    const paths = await withSchemas({ people, orders });
    await put(paths, 'people.ndjson', '{"email":"anna@example.org","note":"Zyzzyx"}\n{"email":"bert@example.org"}\n');
    await put(paths, 'orders.json', [
      { shop: 'A', number: 1, email: 'anna@example.org', sent_to: ['anna@example.org', 'bert@example.org'] },
    ]);
    await loadAll(paths);
    await forget(paths, 'email=anna@example.org');
    expect(await rowsOf(paths, 'select shop, email, sent_to::varchar from raw.orders')).toEqual([
      ['A', null, '[bert@example.org]'],
    ]);
    expect(await rowsOf(paths, 'select email from raw.people')).toEqual([['bert@example.org']]);
    const left = await Promise.all(
      ['people.ndjson', 'orders.json'].map((name) => readFile(join(paths.data, name), 'utf8')),
    );
    expect(left).toEqual([
      '{"email":"bert@example.org"}\n',
      '[{"shop":"A","number":1,"email":null,"sent_to":["bert@example.org"]}]',
    ]);
  });

  it('may have several properties', async () => {
    const paths = await withSchemas({ people, orders });
    await put(paths, 'orders.json', [
      { shop: 'A', number: 1 },
      { shop: 'A', number: 2 },
      { shop: 'B', number: 1 },
    ]);
    await loadAll(paths);
    await forget(paths, 'number=1', 'shop=A');
    expect(await rowsOf(paths, 'select shop, number from raw.orders order by all')).toEqual([
      ['A', 2],
      ['B', 1],
    ]);
  });

  it.each([
    [
      'is refused if it is no key',
      ['note=Zyzzyx'],
      /note is not the whole key of an entity: the keys are shop and number \(orders\), email \(people\)/,
    ],
    ['is refused if a part is missing', ['shop=A'], /shop is not the whole key/],
    [
      'is refused if its value has the wrong type',
      ['shop=A', 'number=Zyzzyx'],
      /The value of number must be an integer/,
    ],
    ['is refused without a value', ['email'], /forget takes KEY=VALUE/],
  ])('%s, and the value is not repeated', async (_, keys, message) => {
    const paths = await withSchemas({ people, orders });
    await expect(forget(paths, ...keys)).rejects.toThrow(message);
    await expect(forget(paths, ...keys)).rejects.not.toThrow('Zyzzyx.');
  });
});

describe('the command', () => {
  const options = (paths: Paths) => ({ env: { MEETUP_STATE_DIR: paths.state } });
  async function loaded(): Promise<{ paths: Paths; args: string[] }> {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [user(1), user(8_123_456)]);
    await loadAll(paths);
    return { paths, args: ['forget', '--data', paths.data, '--json'] };
  }

  it('reads a value from stdin, and with --dry-run counts without changing or repeating anything', async () => {
    const { paths, args } = await loaded();
    const before = await readFile(paths.workDatabase);
    const { exitCode, stdout, stderr } = await runInProcess([...args, 'user_id=-', '--dry-run'], {
      ...options(paths),
      stdin: '8123456\n',
    });
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'planned',
      receipts: [{ files: [{ file: 'users.json', removed: 1 }], tables: [{ table: 'raw.users', removed: 1 }] }],
    });
    expect(exitCode).toBe(0);
    expect(stdout + stderr).not.toContain('8123456');
    expect(existsSync(join(paths.data, TOMBSTONES))).toBe(false);
    expect((await readFile(paths.workDatabase)).equals(before)).toBe(true);
  });

  it('says that it removes nothing from a target on which files land', async () => {
    const { paths } = await loaded();
    const settings: typeof paths.settings = {
      ...paths.settings,
      landed: { targets: ['prod'], volume: 'arrived.drops' },
    };
    const effects = quietEffects();
    const given = [parseGiven('user_id=1')];
    const { report } = await run({ paths: { ...paths, settings }, given, dryRun: true }, effects);
    expect(report.receipts.map(receiptText).join()).toContain(
      'On prod, files land in a volume: neither they nor what was loaded from them is changed',
    );
  });

  it.each([
    ['without a terminal and --yes', ['user_id=1'], /There is no terminal to confirm/],
    [
      'without a key, if nothing was interrupted',
      [],
      /forget takes the key of a record, such as user_id=123: nothing was interrupted/,
    ],
    [
      'for an unknown entity',
      ['user_id=1', '--entity', 'people', '--yes'],
      /There is no entity people: --entity takes groups, users, venues, events/,
    ],
  ])('changes nothing %s', async (_, more, message) => {
    const { paths, args } = await loaded();
    const { exitCode, stderr } = await runInProcess([...args, ...more], options(paths));
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(message) });
    expect(existsSync(join(paths.data, TOMBSTONES))).toBe(false);
  });
});

describe('fixtures and scenarios with a forgotten value', () => {
  const yaml = `unit_tests:
  - given:
      - input: ref('x')
        rows:
          - {user_id: 4711, note: 4711}   # as it came
          - user_id: '4711'
    expect: {rows: [{user_id: 1}]}
`;

  it('are found by the name of the key, and get a value that no fixture has', async () => {
    const folder = await temporaryFolder();
    const paths = {
      ...(await temporaryPaths()),
      root: folder,
      fixtures: join(folder, 'models'),
      scenarios: join(folder, 'scenarios'),
    };
    const at = { ...paths, data: folder };
    await put(at, 'models/x/a.yml', yaml);
    await put(at, 'scenarios/s/day-1/users.json', '[{"user_id": 4711}]');
    await put(at, 'scenarios/s/expected/x.csv', 'note,user_id\n"a, 4711",4711\n4711,1\n');
    const contracts = await readContracts(paths.schemas);
    const forgotten = (await readTombstones(paths.data)).with('users', ['user_id'], ['4711'], 0).all;
    const found = await findInFixtures(paths, contracts, forgotten);
    expect(found.map(({ file, lines }) => [file, lines])).toEqual([
      ['models/x/a.yml', [5, 6]],
      ['scenarios/s/day-1/users.json', [1]],
      ['scenarios/s/expected/x.csv', [2]],
    ]);
    await rewriteFixtures(paths, contracts, forgotten);
    expect(await readFile(join(folder, 'models/x/a.yml'), 'utf8')).toBe(
      yaml.replace('user_id: 4711', 'user_id: 1000001').replace("'4711'", "'1000001'"),
    );
    expect(await readFile(join(folder, 'scenarios/s/expected/x.csv'), 'utf8')).toBe(
      'note,user_id\n"a, 4711",1000001\n4711,1\n',
    );
    expect(await findInFixtures(paths, contracts, forgotten)).toEqual([]);
  });
});
