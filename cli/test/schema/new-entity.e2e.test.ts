import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { survey } from '../../src/deploy/plan/survey.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { hasPassed, renderOutcome } from '../../src/scenarios/render.ts';
import { ScenarioPlayer } from '../../src/scenarios/scenario-player.ts';
import { StatementFailedError } from '../../src/warehouse/databricks.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { remoteAnswering } from '../deploy/fake-target.ts';
import { type TinyProject, tinyProject } from '../deploy/tiny-project.ts';
import { quietEffects } from '../support/effects.ts';
import { meetup } from '../support/meetup.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { Watching } from '../support/watching.ts';

/*
 * A fifth entity with a nested list, from its file to a plan of its deployment. All that it takes is files of the project: its schema, its
 * data, and models.
 */

const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'A sponsor',
  'x-meetup': { key: ['sponsor_id'], loadOrder: 5 },
  type: 'object',
  required: ['sponsor_id', 'name'],
  properties: {
    sponsor_id: { type: 'integer', minimum: 1, description: 'Id of the sponsor.' },
    name: { type: 'string', description: 'Its name.' },
    tier: { enum: ['gold', 'silver'], 'x-meetup': { personal: false } },
    order: { type: ['string', 'integer'], description: 'As the sponsor numbers its orders.' },
    deals: {
      type: 'array',
      description: 'What it pays for.',
      items: {
        type: 'object',
        required: ['group_id'],
        properties: {
          group_id: { type: 'integer' },
          terms: { type: 'object', properties: { months: { type: 'array', items: { type: 'integer' } }, note: {} } },
        },
      },
    },
  },
};

const SPONSORS = [
  {
    sponsor_id: 71,
    name: 'Acme Corporation',
    tier: 'gold',
    order: 'A-1',
    deals: [{ group_id: 1, terms: { months: [1, 2], note: { by: 'Jan' } } }, { group_id: 2 }],
  },
  { sponsor_id: 72, name: 'Globex', tier: 'silver', order: 7, deals: [] },
];

const MODELS = {
  'dbt/models/staging/stg_sponsors.sql': `select sponsor_id, name as sponsor_name, tier, deals from {{ source('raw', 'sponsors') }}
`,
  'dbt/models/marts/sponsored_groups.sql': `with deals as (
    select sponsor_id, tier, unnest(deals) as deal from {{ ref('stg_sponsors') }}
)
select deal.group_id as group_id, sponsor_id, tier, cast(len(deal.terms.months) as bigint) as month_count from deals
`,
  'dbt/models/marts/sponsors.yml': `models:
  - name: sponsored_groups
    config: {contract: {enforced: true}}
    columns:
      - {name: group_id, data_type: bigint, data_tests: [not_null]}
      - {name: sponsor_id, data_type: bigint}
      - {name: tier, data_type: string}
      - {name: month_count, data_type: bigint}
`,
};

const SCENARIO = {
  'fixtures/scenarios/sponsors/scenario.yml':
    'description: A sponsor pays for two groups.\nrule: One row per deal.\ndays:\n  - dropped_on: 2026-03-11\n',
  'fixtures/scenarios/sponsors/day-1/sponsors.json': JSON.stringify([SPONSORS[0]]),
  'fixtures/scenarios/sponsors/expected/day-1/sponsored_groups.yml':
    '- {group_id: 1, sponsor_id: 71, tier: gold, month_count: 2}\n- {group_id: 2, sponsor_id: 71, tier: gold, month_count: null}\n',
};

let folder: string;
let project: TinyProject;
let watching: Watching | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-entity-'));
  project = await tinyProject(folder);
}, 120_000);
afterAll(async () => {
  await watching?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the real command line on the project, and parses what it prints. */
async function json(...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await meetup([...args, '--json'], project.env);
  expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
  return JSON.parse(stdout);
}

const sources = async (): Promise<string> => {
  const file = join(project.paths.root, 'dbt/models/sources.yml');
  return readFile(file, 'utf8');
};

describe.skipIf(!hasItsTurn('a fifth entity'))(
  'a fifth entity takes no change of meetup: its schema, its data and models are all',
  {
    timeout: 240_000,
  },
  () => {
    test('a running watch loads it and builds its models', async () => {
      watching = new Watching(project.paths.root, project.paths.state);
      await watching.ready;
      await project.write('data/sponsors.json', JSON.stringify(SPONSORS));
      const loaded = await watching.save('data/schemas/sponsors.schema.json', JSON.stringify(SCHEMA, null, 2));
      expect(loaded.done).toMatchObject({ status: 'pass' });
      expect(loaded.events).toContainEqual(expect.objectContaining({ event: 'load', status: 'loaded' }));
      expect(await json('schema', 'docs')).toMatchObject({
        files: expect.arrayContaining([{ file: expect.stringMatching(/sources\.yml$/), status: 'written' }]),
      });
      expect(await sources()).toContain('One row per record of sponsors.json that was loaded.');
      await watching.settled();
      const built = await watching.after(async () => {
        for (const [path, text] of Object.entries(MODELS)) await project.write(path, text);
      });
      await watching.settled();
      expect(watching.lastDone(), JSON.stringify(built.events)).toMatchObject({ status: 'pass', failing: [] });
      await watching.stop();
      watching = undefined;
    });

    test('load and query know it', async () => {
      await project.write(
        'data/2026-03-12/sponsors.json',
        JSON.stringify([{ sponsor_id: 72, name: 'Globex', tier: 'gold', deals: [{ group_id: 3 }] }, { sponsor_id: 0 }]),
      );
      expect(await json('load', '--max-rejected', '50%')).toMatchObject({
        entities: { sponsors: { read: 2, loaded: 1, rejected: 1 } },
      });
      await json('build');
      expect(await json('query', 'select * from sponsored_groups order by group_id')).toEqual([
        { group_id: 1, sponsor_id: 71, tier: 'gold', month_count: 2 },
        { group_id: 2, sponsor_id: 71, tier: 'gold', month_count: null },
        { group_id: 3, sponsor_id: 72, tier: 'gold', month_count: null },
      ]);
    });

    test('a scenario tells its story', async () => {
      for (const [path, text] of Object.entries(SCENARIO)) await project.write(path, text);
      const paths = resolvePaths({ stateDir: join(folder, 'scenario') }, project.env, folder);
      const player = new ScenarioPlayer(paths, quietEffects({ env: process.env }));
      try {
        const outcome = await player.play(await readScenario(paths, 'sponsors'), 1);
        expect(hasPassed(outcome), renderOutcome(outcome)).toBe(true);
      } finally {
        await player.close();
      }
    });

    test('test new writes a fixture without its names, and with what its schema declares as not personal', async () => {
      await json('test', 'new', 'stg_sponsors', '--where', 'sponsor_id = 71');
      const files = await readdir(join(project.paths.root, 'fixtures/models/stg_sponsors'));
      const text = await readFile(join(project.paths.root, 'fixtures/models/stg_sponsors', files[0] ?? ''), 'utf8');
      expect(text).not.toMatch(/Acme|Corporation|Jan|\b71\b/);
      expect(text).toContain('gold');
    });

    test('a deployment has its raw table, its rows and its models in the plan', async () => {
      const environment = { MEETUP_REHEARSAL_HOST: 'localhost', MEETUP_REHEARSAL_TOKEN: 'none' };
      const effects = quietEffects({ env: { ...process.env, ...project.env, ...environment } });
      const engine = new EngineClient(project.paths, effects);
      const local = await openPublished(project.paths);
      try {
        const answering = remoteAnswering(async (sql) => {
          if (/^show|information_schema/.test(sql)) return [];
          throw new StatementFailedError('[TABLE_OR_VIEW_NOT_FOUND] there is none', '42P01', undefined);
        });
        const target = {
          name: 'rehearsal' as const,
          catalog: 'hive_metastore',
          options: { host: 'localhost', httpPath: '/', catalog: 'hive_metastore' },
          environment,
        };
        const { plan } = await survey({
          paths: project.paths,
          effects,
          target,
          remote: { ...answering, catalog: target.catalog },
          engine,
          local,
          git: { commit: 'abc', dirty: false },
          versions: {},
          fullRefresh: false,
          force: false,
        });
        expect(plan.uploads).toContainEqual(expect.objectContaining({ table: 'sponsors', rows: 3 }));
        expect(plan.models).toContainEqual(expect.objectContaining({ name: 'sponsored_groups', action: 'create' }));
        expect(plan.statements).toContainEqual(
          expect.stringContaining(
            '`order` string, `deals` array<struct<`group_id`: bigint, `terms`: struct<`months`: array<bigint>, `note`: string>>>, `_batch_id` string not null',
          ),
        );
      } finally {
        await local.close();
        await engine.close();
      }
    });
  },
);
