import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as build } from '../../src/commands/build.ts';
import { run as runTestNew } from '../../src/commands/test-new.ts';
import type { Paths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn } from '../support/sampled.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('odd values'));

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let folder: string;
let project: TinyProject;
let engine: EngineClient;
const effects = () => quietEffects({ env: { PATH: process.env.PATH ?? '' } });

const people = `
  create table raw.people as select * from (values
    (1001, 'Ann Smith', ['first line' || chr(10) || 'second: line', 'it''s {{ x }}'], map {'home': '0612345678', 'work': '0687654321'},
     {'street': 'Main Street', 'no': 12}, date 'infinity', timestamp '-infinity', 'Paris', 'yes', 41.5),
    (1002, 'Bob Jones', [], map {}, null, date '2026-01-02', null, 'London', 'no', 2.5)
  ) t(person_id, name, notes, phones, address, valid_until, valid_from, "City Name", answer, score)`;

const models: Readonly<Record<string, string>> = {
  with_lists: `select person_id, name, notes, len(notes) as many from {{ source('raw', 'people') }}`,
  with_maps: `select person_id, phones, phones['home'] as home, cardinality(phones) as many from {{ source('raw', 'people') }}`,
  with_structs: `select person_id, address.street as street, address.no as no from {{ source('raw', 'people') }}`,
  with_infinity: `select person_id, valid_until, valid_from from {{ source('raw', 'people') }}`,
  with_quotes: `select person_id, "City Name", answer = 'yes' as is_yes, score from {{ source('raw', 'people') }}`,
  on_a_seed: `select id, upper(name) as name, price * 2 as price from {{ ref('prices') }}`,
  hidden: `{{ config(materialized='ephemeral') }} select person_id, name from {{ source('raw', 'people') }}`,
  on_hidden: `select person_id, name from {{ ref('hidden') }}`,
  casts_a_text: `select person_id, cast(case when name = '' then '1' else substr(name, 1, 0) || '7' end as int) as n from {{ source('raw', 'people') }}`,
  needs_the_text: `select person_id from {{ source('raw', 'people') }} where md5(name) = 'PLACEHOLDER'`,
  names_a_value: `select person_id, name from {{ source('raw', 'people') }} where lower(name) like '%smith%' or answer = 'no'`,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-odd-'));
  project = await tinyProject(folder);
  const work = await openWork(project.paths);
  await work.run(people);
  const hash = await work.query("select md5('Ann Smith')");
  await work.close();
  await project.write('models/sources.yml', 'sources: [{name: raw, tables: [{name: groups}, {name: people}]}]\n');
  await project.write('seeds/prices.csv', 'id,name,price\n1,green tea,2.5\n2,coffee,3\n');
  for (const [name, sql] of Object.entries(models)) {
    await project.write(`models/${name}.sql`, `${sql.replace('PLACEHOLDER', String(hash.rows[0]?.[0]))}\n`);
  }
  engine = new EngineClient(project.paths, effects(), { shared: true });
  await engine.warmUp();
  const { report } = await build({ paths: project.paths, target: 'dev' }, effects());
  expect(report.status).toBe('pass');
});

afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a fixture, and returns its text and the report. */
async function createFixture(model: string, options: object = {}) {
  const { report } = await runTestNew({ paths: project.paths, model, name: `odd_${model}`, ...options }, effects());
  return { report, text: await readFile(join(project.paths.root, report.file), 'utf8') };
}

const personal = /Ann|Smith|Bob|Jones|first|second|line|0612345678|0687654321|Main|Paris|London|tea|coffee|100[12]/i;

describeInTurn('a fixture created from local data', () => {
  it.each(['with_lists', 'with_maps', 'with_structs', 'with_quotes', 'on_a_seed', 'casts_a_text'])(
    'passes, and contains nothing personal: %s',
    async (model) => {
      const { report, text } = await createFixture(model);
      expect(report.expected).toBe(2);
      expect(text.replaceAll(/^.*(unit_tests|name:|description|model:|input:).*$/gm, '')).not.toMatch(personal);
      const { tests } = await engine.fixtures({ sources: sourcesOf() });
      expect(tests.find(({ name }) => name === `odd_${model}`)).toMatchObject({ status: 'pass' });
    },
  );

  it('contains infinite dates, or fails with one sentence', async () => {
    const outcome = await createFixture('with_infinity').then(
      ({ text }) => text,
      (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : ''),
    );
    expect(outcome).toMatch(/infinity|^MeetupError: /);
    const { text } = await createFixture('with_infinity', { where: 'person_id = 1002', name: 'finite' });
    expect(text).toContain('2026-01-02');
  });

  it('keeps values that the SQL contains, and lists them in the report', async () => {
    const { report, text } = await createFixture('names_a_value');
    expect(text).toMatch(/Aa\d+ Smith/);
    expect(text).not.toMatch(/Ann|Bob|Jones/);
    expect(report.kept).toContainEqual({
      where: "source('raw', 'people').name",
      why: 'the SQL names it',
      values: ['Smith'],
    });
  });

  it('keeps values that the schema declares as not personal', async () => {
    await project.write(
      'models/sources.yml',
      `sources: [{name: raw, tables: [{name: groups}, {name: people, columns: [{name: City Name, config: {meta: {personal: false}}}]}]}]\n`,
    );
    const { report, text } = await createFixture('with_quotes', { name: 'with_cities' });
    expect(text).toMatch(/Paris/);
    expect(report.kept).toContainEqual(expect.objectContaining({ why: 'the schema says that it is not personal' }));
  });

  it('follows meetup.yml rather than the schema, and rejects an unknown table there', async () => {
    const declaring = (personal: Record<string, boolean>): Paths => ({ ...project.paths, settings: { personal } });
    const { text } = await createFixture('with_quotes', {
      name: 'guarded',
      paths: declaring({ 'people.City Name': true }),
    });
    expect(text).not.toMatch(/Paris|London/);
    await writeFile(join(project.paths.root, 'meetup.yml'), 'personal:\n  poeple.name: true\n');
    await expect(
      createFixture('with_quotes', { name: 'x', paths: declaring({ 'poeple.name': true }) }),
    ).rejects.toThrow(
      /meetup\.yml:2: personal names poeple\.name, but the dbt project has no .* source table poeple\./,
    );
    await rm(join(project.paths.root, 'meetup.yml'));
  });
});

describeInTurn('a fixture that cannot be created', () => {
  it.each([
    ['hidden', /hidden is ephemeral, so it has no rows to choose from/],
    ['on_hidden', /on_hidden reads the ephemeral model hidden, .*`format: sql`/],
    ['prices', /prices is a seed, but only models have unit tests/],
    ['with_list', /There is no model with_list in the dbt project: did you mean with_lists\?/],
    [
      'needs_the_text',
      /needs_the_text returns different rows once source\('raw', 'people'\)\.name is replaced: .*personal: false/,
    ],
  ])('is rejected with one sentence, and leaves no file: %s', async (model, sentence) => {
    await expect(createFixture(model)).rejects.toThrow(sentence);
    expect(await readdir(project.paths.fixtures)).not.toContain(model);
  });

  it('does not reveal in its description which values selected its rows', async () => {
    const { text } = await createFixture('with_lists', { where: "name = 'Ann Smith'", name: 'chosen' });
    expect(text).not.toMatch(/Ann|Smith/);
  });
});

const sourcesOf = () => ({
  'raw.people': [
    ['person_id', 'INTEGER'],
    ['name', 'VARCHAR'],
    ['notes', 'VARCHAR[]'],
    ['phones', 'MAP(VARCHAR, VARCHAR)'],
    ['address', 'STRUCT(street VARCHAR, "no" INTEGER)'],
    ['valid_until', 'DATE'],
    ['valid_from', 'TIMESTAMP'],
    ['City Name', 'VARCHAR'],
    ['answer', 'VARCHAR'],
    ['score', 'DECIMAL(3,1)'],
  ] as const,
});
