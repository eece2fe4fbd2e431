import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as branch } from '../../src/commands/branch.ts';
import { type DeployReport, run as deploy } from '../../src/commands/deploy.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import type { TinyProject } from '../deploy/tiny-project.ts';
import { type TinyRehearsal, tinyRehearsal } from '../deploy/tiny-rehearsal.ts';
import { quietEffects } from '../support/effects.ts';
import { interpreting } from '../support/interpreted-spark.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';

const START_MS = 600_000;
vi.setConfig({ testTimeout: 900_000 });

const effects = quietEffects({ env: interpreting(process.env) });
let tiny: TinyRehearsal | undefined;
let project: TinyProject;
let remote: Remote;

const MODEL = 'dbt/models/marts/group_names.sql';
const names = (how: string): string => `select group_id, ${how} as group_name from {{ ref('stg_groups') }}\n`;

beforeAll(async () => {
  tiny = await tinyRehearsal('taken', effects, ({ write }) =>
    write('dbt/macros/loud.sql', '{% macro loud(text) %}upper({{ text }}){% endmacro %}\n'),
  );
  ({ project, remote } = tiny);
  expect(await deployed()).toMatchObject({ status: 'deployed' });
}, START_MS);

afterAll(() => tiny?.end(), START_MS);

const deployed = async (planOnly = false): Promise<DeployReport> =>
  (await deploy({ paths: project.paths, target: 'rehearsal', maxRejected: 0.5, yes: true, planOnly }, effects)).report;

async function branched(name: string): Promise<'built' | 'unchanged' | 'failed' | 'exceeded'> {
  return (await branch({ paths: project.paths, target: 'rehearsal', name }, effects)).report.status;
}

/** The rows that readers see. */
const rows = (): Promise<unknown[]> =>
  remote.connection.rows(`select * from \`${remote.catalog}\`.marts.group_names order by group_id`);

/** What the statements since the last call built group_names from. */
let seen = 0;
async function builtFrom(): Promise<string[]> {
  const log = (await readFile(rehearsalPlaces(project.paths).statementsLog, 'utf8')).split('\n').filter(Boolean);
  const statements = log.slice(seen).map((line): string => JSON.parse(line).statement);
  seen = log.length;
  return statements
    .filter((sql) => /create or replace table `[^`]+`\.`marts`\.`group_names`/i.test(sql))
    .map((sql) => (/__branch_\w+/.exec(sql) ?? ['the model'])[0]);
}

const fromBranch = ({ models }: DeployReport): (string | undefined)[] =>
  models.filter(({ name }) => name === 'group_names').map((model) => model.branch);

/** A run plays one of them, MEETUP_ALL_CASES=1 all. */
const DOUBTS = ['an input', 'a macro', 'a test'] as const;
const chosen: readonly (typeof DOUBTS)[number][] = sampled(DOUBTS, 1);
const isLeftOut = (doubt: (typeof DOUBTS)[number]): boolean => !chosen.includes(doubt);

// Each test continues from the state that the previous one left.
describe.skipIf(!hasItsTurn('taken from a branch'))(`a deployment of what a branch has built (${howSampled})`, () => {
  it('takes its rows and the verdicts of its tests, and says so in the plan', async () => {
    await project.write(MODEL, names('{{ loud("group_name") }}'));
    expect(await branched('loud')).toBe('built');
    const plan = await deployed(true);
    expect(fromBranch(plan)).toEqual(['loud']);
    expect(plan.tests).toBe(0);
    await builtFrom();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed', tests: 0, parity: [{ name: 'group_names', status: 'equal' }] });
    expect(await builtFrom()).toEqual(['__branch_loud']);
    const now = await rows();
    expect(now.length).toBeGreaterThan(0);
    expect(now).toEqual(
      await remote.connection.rows(
        `select * from \`${remote.catalog}\`.marts__branch_loud.group_names order by group_id`,
      ),
    );
    expect(await deployed()).toMatchObject({ status: 'unchanged' });
  });

  it.skipIf(isLeftOut('a macro'))('builds it if a macro differs', async () => {
    await project.write(MODEL, names('concat({{ loud("group_name") }}, \'!\')'));
    expect(await branched('shout')).toBe('built');
    await project.write('dbt/macros/loud.sql', '{% macro loud(text) %}lower({{ text }}){% endmacro %}\n');
    await builtFrom();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed' });
    expect(fromBranch(report)).toEqual([undefined]);
    expect(await builtFrom()).toEqual(['the model']);
  });

  it.skipIf(isLeftOut('a test'))('builds it if a test failed in the branch', async () => {
    await project.write(MODEL, names("concat(group_name, '?')"));
    const test = 'dbt/tests/never_empty.sql';
    await project.write(test, "select * from {{ ref('group_names') }}\n");
    expect(await branched('failing')).toBe('failed');
    await project.write(test, "select * from {{ ref('group_names') }} where group_id is null\n");
    await builtFrom();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed' });
    expect(report.nodes?.map(({ name }) => name)).toContain('never_empty');
    expect(fromBranch(report)).toEqual([undefined]);
    expect(await builtFrom()).toEqual(['the model']);
  });

  it.skipIf(isLeftOut('an input'))('builds it if an input has changed since', async () => {
    await project.write(MODEL, names("concat(group_name, '.')"));
    expect(await branched('older')).toBe('built');
    await project.nextDay();
    await builtFrom();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed' });
    expect(fromBranch(report)).toEqual([undefined]);
    expect(await builtFrom()).toEqual(['the model']);
  });
});
