import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as generate } from '../../src/commands/generate.ts';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { isObject } from '../../src/ingest/contract/json-schema.ts';
import { load } from '../../src/ingest/load.ts';
import { tinyProject } from '../deploy/tiny-project.ts';
import { quietEffects } from '../support/effects.ts';
import { meetup } from '../support/meetup.ts';
import { publishedRows, workRows } from '../support/rows.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('forget'));

/** A text that only the forgotten person's records have. Texts are stored as they are, unlike numbers. */
const TOWN = 'Zyzzyx-sur-Mer';
const places = ({ data, state }: Pick<Paths, 'data' | 'state'>): string[] => ['--data', data, '--state-dir', state];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-forget-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Item = Record<string, unknown>;
const objects = (value: unknown): Item[] => (Array.isArray(value) ? value.filter((one) => isObject(one)) : []);
const read = async (file: string): Promise<Item[]> => objects(JSON.parse(await readFile(file, 'utf8')));
const write = (file: string, records: readonly Item[]): Promise<void> =>
  writeFile(file, `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]\n`);

/** Every file of these folders that contains a text, but not the toolchain's. */
async function filesWith(text: string, ...folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const one of folders) {
    for (const entry of await readdir(one, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.includes('/toolchain/')) continue;
      if ((await readFile(path)).includes(text)) found.push(path);
    }
  }
  return found;
}

describeInTurn('a person who is forgotten in this project', () => {
  let paths: Paths;
  let without: Paths;
  let person: number;

  beforeAll(async () => {
    const clock = { now: () => Date.UTC(2026, 10, 30), elapsed: () => performance.now() };
    const effects = quietEffects({ clock });
    paths = resolvePaths({ data: join(folder, 'data'), stateDir: join(folder, 'state') }, {}, folder);
    without = resolvePaths({ data: join(folder, 'without'), stateDir: join(folder, 'other') }, {}, folder);
    await generate({ out: paths.data, scale: 0.005, seed: 1, days: 1 }, effects);
    const [day = ''] = (await readdir(paths.data)).filter((name) => /^\d{4}/.test(name));
    const users = await read(join(paths.data, 'users.json'));
    const answers = (await read(join(paths.data, 'events.json'))).flatMap(({ rsvps }) => objects(rsvps));
    person = Number(answers[Math.floor(answers.length / 2)]?.user_id);
    const known = users.find(({ user_id: id }) => id === person) ?? { user_id: person, memberships: [] };
    // A known person with an early and a rejected record in the middle of the files, and a later version in a drop.
    const others = users.filter(({ user_id: id }) => id !== person);
    const half = Math.floor(others.length / 2);
    const own = [
      { ...known, hometown: TOWN },
      { ...known, hometown: TOWN, country: 'nowhere' },
    ];
    await write(join(paths.data, 'users.json'), [...others.slice(0, half), ...own, ...others.slice(half)]);
    await write(join(paths.data, day, 'users.json'), [
      { ...known, hometown: `${TOWN} 2` },
      ...(await read(join(paths.data, day, 'users.json'))),
    ]);
    await cp(paths.data, without.data, { recursive: true });
    await removePerson(without.data, ['.', day], person);
    for (const one of [paths, without]) await load({ paths: one, maxRejected: 0.5 }, effects);
    const built = await meetup(['build', ...places(without)]);
    if (!existsSync(without.database)) throw new Error(built.stderr);
  }, 300_000);

  it('is gone from every file of the data folder and the state folder, by text and by id', async () => {
    expect(await filesWith(TOWN, paths.data, paths.state)).not.toEqual([]);
    const { exitCode, stdout, stderr } = await meetup([
      'forget',
      `user_id=${person}`,
      '--yes',
      // Its fixtures are those of this repository.
      '--no-fixtures',
      '--json',
      ...places(paths),
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(await filesWith(TOWN, paths.data, paths.state)).toEqual([]);
    expect(await filesWith(String(person), paths.data)).toEqual([]);
    expect(stdout + stderr).not.toContain(String(person));
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'forgotten',
      receipts: [
        {
          files: expect.arrayContaining([{ file: 'users.json', removed: 2, changed: 0 }]),
          tables: expect.arrayContaining([
            { table: 'raw.users', removed: 2, changed: 0 },
            { table: 'raw.rejected_records', removed: 1, changed: 0 },
          ]),
        },
      ],
    });
  }, 200_000);

  it('leaves marts and raw tables that equal those of a build without the person', async () => {
    const tables = await publishedRows(
      without,
      `select table_schema || '.' || table_name from information_schema.tables where table_schema in ('raw', 'staging', 'intermediate', 'marts') order by 1`,
    );
    const different: string[] = [];
    for (const [name] of tables) {
      // Batches are named after the content of their files when they were loaded, and after the clock.
      const columns = `select * replace (${await replacedIn(without, String(name))}) from ${String(name)}`;
      const [one, other] = [await digest(paths, columns), await digest(without, columns)];
      if (one !== other) different.push(String(name));
    }
    expect(tables.length).toBeGreaterThan(60);
    expect(different).toEqual([]);
  }, 120_000);

  it('does not come back with a later drop', async () => {
    const drop = join(paths.data, '2030-01-01');
    await mkdir(drop);
    await write(join(drop, 'users.json'), [
      { user_id: person, hometown: TOWN },
      { user_id: 4_711, hometown: 'Elsewhere' },
    ]);
    const { exitCode, stdout } = await meetup(['load', ...places(paths)]);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Taken out of 2030-01-01 because it was forgotten: something in 1 record.'),
    });
    expect(await workRows(paths, `select user_id from raw.users where _source_file like '2030%'`)).toEqual([[4711]]);
    expect(await filesWith(TOWN, paths.data, paths.state)).toEqual([]);
  }, 60_000);
});

/** Removes a person in plain JavaScript. */
async function removePerson(data: string, drops: readonly string[], person: number): Promise<void> {
  for (const drop of drops) {
    const users = join(data, drop, 'users.json');
    await write(
      users,
      (await read(users)).filter(({ user_id: id }) => id !== person),
    );
    const events = join(data, drop, 'events.json');
    const left = (await read(events)).map((event) =>
      Array.isArray(event.rsvps)
        ? { ...event, rsvps: objects(event.rsvps).filter(({ user_id: id }) => id !== person) }
        : event,
    );
    await write(events, left);
  }
}

const UNEQUAL = new Set(['_batch_id', 'batch_id', '_loaded_at', 'loaded_at', 'sha256', 'bytes', 'rejected_id']);

async function replacedIn(paths: Paths, table: string): Promise<string> {
  const [schema, name] = table.split('.');
  const rows = await publishedRows(
    paths,
    `select column_name from information_schema.columns where table_schema = '${schema}' and table_name = '${name}' order by ordinal_position`,
  );
  const columns = rows.map(([column]) => String(column));
  return columns.map((column) => `${UNEQUAL.has(column) ? 'null' : `"${column}"`} as "${column}"`).join(', ');
}

/** An order-independent digest of all rows. */
async function digest(paths: Paths, rows: string): Promise<string> {
  const [row] = await publishedRows(
    paths,
    `select count(*) || ':' || coalesce(sum(hash(r)), 0)::varchar from (${rows}) as r`,
  );
  return String(row?.[0]);
}

/** What a killed process may leave, in this order. */
const MOMENTS: readonly (readonly [what: string, isThere: (paths: Paths) => boolean])[] = [
  ['a record of what is pending', ({ state }) => jsonIn(join(state, 'forgotten', 'pending')).length > 0],
  ['a new version of a file', ({ data }) => existsSync(join(data, '.users.json.forgetting'))],
  ['a new database', ({ state }) => existsSync(join(state, 'work', 'anew.duckdb'))],
  ["a part of dbt's artifacts", ({ state }) => existsSync(join(state, 'dbt-target', 'manifest.json'))],
];
const jsonIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.json')) : [];

describeInTurn('a process that is killed while it forgets', () => {
  const person = 4_712;

  it.each(sampled(MOMENTS, 2))(
    `is finished without the key once there is %s (${howSampled})`,
    async (what, isThere) => {
      const project = await tinyProject(join(folder, what.replaceAll(/\W/g, '-')));
      const { paths, env } = project;
      await project.write(
        'dbt/models/sources.yml',
        'sources: [{name: raw, tables: [{name: groups}, {name: events}, {name: users}]}]\n',
      );
      await project.write(
        'dbt/models/marts/hometowns.sql',
        "{{ config(contract={'enforced': false}) }} select user_id, hometown from {{ source('raw', 'users') }}\n",
      );
      const users = join(paths.data, 'users.json');
      await write(users, [...(await read(users)), { user_id: person, hometown: TOWN, memberships: [] }]);
      const dev = await meetup(['dev', '--max-rejected', '50%'], env);
      expect(dev).toMatchObject({ exitCode: 0 });
      expect(await publishedRows(paths, `select hometown from marts.hometowns where user_id = ${person}`)).toEqual([
        [TOWN],
      ]);

      await rm(join(paths.state, 'dbt-target'), { recursive: true });

      const killed = meetup(['forget', `user_id=${person}`, '--yes'], env);
      while (!isThere(paths) && killed.child.exitCode === null) await delay(1);
      killed.child.kill('SIGKILL');
      await killed;

      const finished = await meetup(['forget'], env);
      expect(finished).toMatchObject({ exitCode: 0, stderr: expect.any(String) });
      expect(await filesWith(TOWN, paths.data, paths.state)).toEqual([]);
      expect(
        await publishedRows(paths, `select count(*) > 0, count(*) filter (user_id = ${person}) from marts.hometowns`),
      ).toEqual([[true, 0]]);
      expect(await meetup(['forget'], env)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('nothing was interrupted'),
      });
      expect((await meetup(['dev', '--max-rejected', '50%'], env)).exitCode).toBe(0);
      expect(await filesWith(TOWN, paths.data, paths.state)).toEqual([]);
    },
    240_000,
  );
});
