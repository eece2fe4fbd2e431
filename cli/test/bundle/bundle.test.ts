import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';
import { type Bundle, bundleSchema, problemsOf, readBundle, references } from './bundle.ts';

const bundle = async (): Promise<Bundle> => bundleSchema.parse(await readBundle());

/** The only job, with the fields that the tests below need. */
const jobSchema = z.looseObject({
  schedule: z.strictObject({ quartz_cron_expression: z.string(), timezone_id: z.string(), pause_status: z.string() }),
  max_concurrent_runs: z.number(),
  tasks: z.array(
    z.looseObject({
      task_key: z.string(),
      environment_key: z.string(),
      dbt_task: z.looseObject({ project_directory: z.string(), commands: z.array(z.string()) }),
    }),
  ),
  environments: z.tuple([
    z.object({ environment_key: z.string(), spec: z.looseObject({ dependencies: z.array(z.string()) }) }),
  ]),
});
const job = async () => jobSchema.parse((await bundle()).resources.jobs?.models);

/** The task and environment that docs/databricks.md shows for landed files. */
async function documentedLanding() {
  const docs = await readFile(join(projectRoot, 'docs/databricks.md'), 'utf8');
  const block = docs
    .split('```yaml\n')
    .find((text) => text.startsWith('tasks:\n'))
    ?.split('```')[0];
  return z.object({ tasks: z.array(z.unknown()), environments: z.array(z.unknown()) }).parse(parse(block ?? ''));
}

describe("the bundle, according to Databricks' published definitions,", () => {
  it('may have the task for landed files that docs show, with the packages that were tested', async () => {
    const landing = await documentedLanding();
    expect(await problemsOf({ jobs: { models: { name: 'models', ...landing } } })).toEqual([]);
    const pinned = await readFile(join(projectRoot, 'dbt/requirements-landing.in'), 'utf8');
    expect(landing.environments).toEqual([
      {
        environment_key: 'landing',
        spec: { environment_version: '4', dependencies: pinned.split('\n').filter((line) => /^\w.*==/.test(line)) },
      },
    ]);
  });

  it('has valid resources', async () => {
    expect(await problemsOf((await bundle()).resources)).toEqual([]);
  });

  it.each([
    [
      'an unknown field of a job',
      { jobs: { models: { max_concurent_runs: 1 } } },
      "Unexpected field 'max_concurent_runs' for class Job",
    ],
    [
      'an unknown nested field',
      { jobs: { models: { tasks: [{ task_key: 'a', dbt_task: { commands: ['dbt build'], warehouse: 'x' } }] } } },
      "Unexpected field 'warehouse' for class DbtTask",
    ],
    [
      'an invalid enum value',
      { jobs: { models: { schedule: { quartz_cron_expression: 'x', timezone_id: 'UTC', pause_status: 'OFF' } } } },
      "'OFF' is not a valid PauseStatus",
    ],
    ['a missing field', { jobs: { models: { schedule: { timezone_id: 'UTC' } } } }, 'quartz_cron_expression'],
    [
      'a value of the wrong type',
      { jobs: { models: { name: ['meetup'] } } },
      'resources.jobs.models.name: ["meetup"] is read as',
    ],
    ['a string for a number', { jobs: { models: { max_concurrent_runs: 'one' } } }, 'invalid literal for int()'],
    ['an unknown kind of resource', { job: { models: {} } }, 'resources.job: there is no such kind'],
  ])('is rejected for %s', async (_, given, why) => {
    const [problem] = await problemsOf(given);
    expect(problem).toContain(why);
  });

  it('is rejected for an unknown field at the top level, of a target or of a variable', async () => {
    const good = await bundle();
    for (const wrong of [
      { ...good, resource: {} },
      { ...good, targets: { dev: { ...good.targets.dev, modus: 'development' } } },
      { ...good, variables: { catalog: { description: 'x', defualt: 'main' } } },
    ]) {
      expect(bundleSchema.safeParse(wrong).success).toBe(false);
    }
  });
});

describe('the bundle and the project', () => {
  it('declares exactly the variables that it uses', async () => {
    const read = (await references()).flatMap((path) => /^var\.(\w+)$/.exec(path)?.[1] ?? []);
    expect(new Set(read)).toEqual(new Set(Object.keys((await bundle()).variables)));
    const { targets, variables } = await bundle();
    for (const target of Object.values(targets)) {
      expect(Object.keys(variables)).toEqual(expect.arrayContaining(Object.keys(target.variables ?? {})));
    }
  });

  it('has a valid schedule and time zone, one run at a time, and no schedule in development', async () => {
    const { variables, targets } = await bundle();
    const { max_concurrent_runs } = await job();
    // Seconds, minutes, hours, day of month, month, day of week. One of the two days must be a question mark.
    expect(variables.schedule?.default).toMatch(/^([0-5]?\d) ([0-5]?\d) ([01]?\d|2[0-3]) (\* \* \?|\? \* \S+)$/);
    const zone = String(variables.time_zone?.default);
    expect(new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone).toBe(zone);
    expect(max_concurrent_runs).toBe(1);
    expect(targets.dev).toMatchObject({
      mode: 'development',
      default: true,
      presets: { trigger_pause_status: 'PAUSED' },
    });
    expect(targets.prod?.mode).toBe('production');
  });

  it('runs the same versions of dbt that the project is rehearsed with', async () => {
    const [{ spec }] = (await job()).environments;
    const pinned = (await readFile(join(projectRoot, 'dbt/requirements.in'), 'utf8')).split('\n');
    expect(pinned).toEqual(expect.arrayContaining([...spec.dependencies]));
    expect(spec.dependencies.map((pin) => pin.split('==')[0])).toEqual(['dbt-core', 'dbt-databricks']);
  });

  it("runs dbt in the project's folder, in the declared environment, with commands that Databricks accepts", async () => {
    const { tasks, environments } = await job();
    expect(tasks.map(({ task_key }) => task_key)).toEqual(['build', 'freshness']);
    for (const { dbt_task: task, environment_key } of tasks) {
      expect(existsSync(join(projectRoot, task.project_directory, 'dbt_project.yml'))).toBe(true);
      expect(environment_key).toBe(environments[0].environment_key);
      for (const command of task.commands)
        expect(command).toMatch(/^dbt (build|deps|run|test|snapshot|source freshness)\b/);
    }
    for (const path of (await bundle()).sync.paths ?? []) expect(existsSync(join(projectRoot, path))).toBe(true);
  });
});
