import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { UnitTestRunner } from '../../src/unit-tests/unit-test-runner.ts';
import { engineOn, type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

/** Fixtures of one model, which the engine plans once and runs on several connections. */
let project: TinyProject;
let session: UnitTestRunner;
let engine: EngineClient;

const numbers = [1, 2, 3, 4, 5, 6, 7];
const fixture = (n: number, amount: number) => `
  - name: doubles_${n}
    model: doubled
    given: [{input: ref('numbers'), rows: [{id: ${n}, amount: ${n}}]}]
    expect: {rows: [{id: ${n}, amount: ${amount}}]}`;
const write = (amountOf: (n: number) => number) =>
  project.write('../fixtures/models/doubled.yml', `unit_tests:${numbers.map((n) => fixture(n, amountOf(n))).join('')}`);

async function verdicts(): Promise<Record<string, string>> {
  const listed = await session.list();
  const results = await Promise.all(listed.map((one) => session.run(one)));
  return Object.fromEntries(results.map(({ name, status }) => [name, status]));
}
const all = (status: string) => Object.fromEntries(numbers.map((n) => [`doubles_${n}`, status]));

beforeEach(async (context) => {
  project = await tinyProject(await temporaryFolder());
  // The columns of the raw tables are derived from the schemas.
  await cp(join(projectRoot, 'data', 'schemas'), project.paths.schemas, { recursive: true });
  await project.write(
    'models/numbers.sql',
    "select group_id as id, group_id as amount from {{ source('raw', 'groups') }}\n",
  );
  await write((n) => n * 2);
  const effects = quietEffects({ env: { PATH: process.env.PATH } });
  engine = engineOn(project, effects, { shared: true });
  await engine.warmUp();
  session = new UnitTestRunner(project.paths, effects);
  context.onTestFinished(async () => {
    await session.close();
    await engine.close();
  });
});

describe('fixtures of one model that are run repeatedly', { timeout: 60_000 }, () => {
  test('each get their own verdict, whether run together or one by one', async () => {
    await write((n) => (n === 4 ? 9 : n * 2));
    const expected = { ...all('pass'), doubles_4: 'fail' };
    expect(await verdicts()).toEqual(expected);
    const oneByOne: [string, string][] = [];
    for (const one of await session.list()) oneByOne.push([one.name, (await session.run(one)).status]);
    expect(Object.fromEntries(oneByOne)).toEqual(expected);
  });

  test('use the current version of the fixture and of the model', async () => {
    expect(await verdicts()).toEqual(all('pass'));
    await project.write('models/doubled.sql', "select id, amount * 3 as amount from {{ ref('numbers') }}\n");
    expect(await verdicts()).toEqual(all('fail'));
    await write((n) => n * 3);
    expect(await verdicts()).toEqual(all('pass'));
    await project.write('models/doubled.sql', "select id, amount * 2 as amount from {{ ref('numbers') }}\n");
    expect(await verdicts()).toEqual(all('fail'));
  });

  test('report an error in one of them without affecting the others', async () => {
    await project.write(
      'models/doubled.sql',
      "select id, case when id = 4 then error('no four') else amount * 2 end as amount from {{ ref('numbers') }}\n",
    );
    expect(await verdicts()).toEqual({ ...all('pass'), doubles_4: 'error' });
  });

  test('need no new parse if only the folders named in the environment differ', async () => {
    await session.list();
    const env = { PATH: process.env.PATH, MEETUP_STATE_DIR: '/elsewhere', MEETUP_ENGINE_DIR: '/elsewhere' };
    const other = new EngineClient(project.paths, quietEffects({ env }));
    const answer = await other.parse({ target: 'dev' }).finally(() => other.close());
    expect(answer).toMatchObject({ status: 'ok', kind: 'unchanged' });
  });
});
