import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { resolvePaths } from '../../src/config/paths.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';
import { type Installed, installed, type Ran } from './installed.ts';

/**
 * The three dbt projects of others, deployed, compared and tested on the rehearsal with the package that npm installs. They
 * share a state folder, and with it one Spark; it is emptied between them.
 */
// About 60 statements each, which take a second on an idle machine and ten on a busy one.
vi.setConfig({ testTimeout: 900_000 });
const START_MS = 600_000;

let meetup: Installed;
let connection: DatabricksConnection;
beforeAll(async () => {
  meetup = await installed();
  const effects = quietEffects({ env: process.env });
  await shareRehearsal(state(), effects);
  const { exitCode, stderr } = await meetup.run(await meetup.project('bakery'), ...inState('rehearsal', 'up'));
  expect(exitCode, stderr).toBe(0);
  const paths = resolvePaths({ stateDir: state() }, meetup.env, join(meetup.folder, 'projects', 'bakery'));
  connection = await connectTarget(await remoteTarget('rehearsal', paths, effects), effects);
}, START_MS);

afterAll(async () => {
  await connection?.close();
  await meetup.remove();
}, START_MS);

const state = (): string => join(meetup.folder, 'state');
const inState = (...args: string[]): string[] => [...args, '--state-dir', state()];

const reportSchema = z.looseObject({
  status: z.string(),
  models: z.array(z.looseObject({ name: z.string(), action: z.string() })).optional(),
  parity: z.array(z.looseObject({ name: z.string(), status: z.string() })).optional(),
  targetOnly: z.array(z.looseObject({ name: z.string(), reason: z.string() })).optional(),
  marts: z.array(z.looseObject({ name: z.string(), status: z.string() })).optional(),
  tests: z.unknown().optional(),
});
type Report = z.infer<typeof reportSchema>;

async function report(project: string, ...args: string[]): Promise<Report> {
  const { stdout, stderr }: Ran = await meetup.run(project, ...inState(...args), '--json');
  expect(stdout, stderr).toMatch(/^\{/);
  return reportSchema.parse(JSON.parse(stdout));
}

/** Every schema, and the newest version of every Delta table in it. */
async function contents(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { namespace } of await connection.rows('show schemas')) {
    found[String(namespace)] = '';
    for (const { tableName } of await connection.rows(`show tables in ${namespace}`)) {
      const rows = await connection.rows(`select count(*) as n from ${namespace}.${tableName}`);
      found[`${namespace}.${tableName}`] = String(rows[0]?.n);
    }
  }
  return found;
}

/** As if nothing had been built, here or there. */
async function startAfresh(): Promise<void> {
  for (const { namespace } of await connection.rows('show schemas')) {
    if (namespace !== 'default') await connection.run(`drop schema ${namespace} cascade`);
  }
  for (const name of await readdir(state())) {
    if (name !== 'rehearsal' && name !== 'logs') await rm(join(state(), name), { recursive: true, force: true });
  }
}

/** Deploys, compares and tests a project. */
async function rehearse(name: string): Promise<{ deployed: Report; compared: Report; tested: Report }> {
  const project = name === 'bakery' ? join(meetup.folder, 'projects', name) : await meetup.project(name);
  await startAfresh();
  const deployed = await report(project, 'deploy', '--target', 'rehearsal', '--yes');
  expect(deployed).toMatchObject({ status: 'deployed' });
  const compared = await report(project, 'diff', '--from', 'dev', '--to', 'rehearsal');
  const before = await contents();
  const tested = await report(project, 'test', '--target', 'rehearsal');
  expect(await contents(), 'the tests left their schemas, or changed others').toEqual(before);
  return { deployed, compared, tested };
}

const named = (list: readonly { name: string; status: string }[] | undefined): string[] =>
  (list ?? []).map(({ name, status }) => `${name} ${status}`).sort();

/** Each project takes minutes, so a run has one of them. */
const chosen = sampled(['bakery', 'shop', 'clinic'], 1);
const isLeftOut = (name: string): boolean => !chosen.includes(name);

describe.skipIf(!hasItsTurn('other projects'))(`on the rehearsal (${howSampled})`, () => {
  it.skipIf(isLeftOut('bakery'))(
    'a project of seeds only is deployed with its hooks, and with what is enabled on Databricks only',
    async () => {
      const { deployed, compared, tested } = await rehearse('bakery');
      expect(deployed.models?.map(({ name }) => name)).toContain('optimised');
      expect(deployed.targetOnly).toMatchObject([{ name: 'optimised', reason: 'it is disabled on target dev' }]);
      expect(named(deployed.parity)).toEqual(['customers equal', 'revenue equal']);
      expect(named(compared.marts)).toEqual(['customers equal', 'revenue equal']);
      expect(tested).toMatchObject({ status: 'pass', tests: [{ status: 'pass' }] });
    },
  );

  it.skipIf(isLeftOut('shop'))(
    "a project with its own schemas is deployed with its models in Databricks' dialect, which the plan names",
    async () => {
      const { deployed, compared, tested } = await rehearse('shop');
      expect(deployed.targetOnly).toMatchObject([
        { name: 'order_words', reason: 'it is written for databricks' },
        { name: 'word_counts', reason: 'it reads order_words' },
      ]);
      const marts = ['customers_v1 equal', 'customers_v2 equal', 'loyal equal', 'order_log equal', 'revenue equal'];
      expect(named(deployed.parity)).toEqual(marts);
      expect(named(compared.marts)).toEqual(marts);
      expect(tested).toMatchObject({ status: 'pass', tests: [{ status: 'pass' }, { status: 'pass' }] });
      const project = join(meetup.folder, 'projects', 'shop');
      const { stdout } = await meetup.run(
        project,
        ...inState('deploy', '--target', 'rehearsal', '--plan', '--full-refresh'),
      );
      expect(stdout).toContain(
        'Built on rehearsal only, not checked on this machine: order_words (it is written for databricks), word_counts (it reads order_words).',
      );
    },
  );

  it.skipIf(isLeftOut('clinic'))('a project with vendored packages is deployed with their models', async () => {
    const { deployed, compared, tested } = await rehearse('clinic');
    expect(deployed.models?.map(({ name }) => name)).toContain('calendar_days');
    expect(deployed.targetOnly).toEqual([]);
    expect(named(compared.marts)).toEqual(['visits_by_day equal']);
    expect(tested).toMatchObject({ status: 'pass', tests: [{ status: 'pass' }] });
  });
});
