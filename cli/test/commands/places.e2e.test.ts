import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as build } from '../../src/commands/build.ts';
import { run as doctor } from '../../src/commands/doctor.ts';
import { run as load } from '../../src/commands/load.ts';
import { run as query } from '../../src/commands/query.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { queryJson } from '../../src/terminal/query.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { runInProcess } from '../support/run-cli.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const env = { PATH: process.env.PATH ?? '' };
const effects = () => quietEffects({ env });

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-places-'));
  // Each of these characters has a meaning in a URL.
  project = await tinyProject(folder, { state: join(folder, 'a#b=c;d%20e&f') });
  engine = new EngineClient(project.paths, effects(), { shared: true });
  await engine.warmUp();
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a state folder with # and other special characters in its name', () => {
  it('can be built in and queried like any other', async () => {
    const { report } = await build({ paths: project.paths, target: 'dev' }, effects());
    expect(report).toMatchObject({ status: 'pass', published: true });
    const answer = await query({ paths: project.paths, sql: 'select total from main.total' }, effects());
    expect(queryJson(answer.report)).toEqual([{ total: 200 }]);
  });

  it('is rejected with one sentence if the name contains a ?, which DuckDB cannot open', async () => {
    for (const command of [['query', 'select 1'], ['build'], ['load']]) {
      const { exitCode, stderr } = await runInProcess([...command, '--state-dir', join(folder, 'what?')]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        /^Error: The state folder .*\/what\? can't be used because DuckDB [^\n]*--state-dir[^\n]*\n$/,
      );
    }
  });
});

describe('meetup build --select and --exclude', () => {
  const models = async (...words: string[]): Promise<unknown> => {
    const { stdout, stderr } = await runInProcess(['build', '--json', '--state-dir', project.paths.state, ...words], {
      env: { ...env, MEETUP_PROJECT_DIR: folder, MEETUP_TOOLCHAIN_DIR: project.paths.toolchain },
    });
    const report: { models: { name: string }[] } | { status: 'error' } = JSON.parse(stdout);
    return 'models' in report ? report.models.map(({ name }) => name) : stderr;
  };

  it("take several words, like dbt's", async () => {
    expect(await models('--select', 'numbers', 'total')).toEqual(['numbers', 'total']);
    expect(await models('--select', 'numbers doubled')).toEqual(['numbers', 'doubled']);
    expect(await models('-s', 'numbers+', '--exclude', 'doubled', 'total')).toEqual(['numbers']);
    expect(await models('--select', 'numbers,total', 'doubled', '--full-refresh')).toEqual(['doubled']);
    expect(await models('--select', 'nosuch', 'neither')).toMatch(/Nothing .* matches --select 'nosuch neither'/);
  });
});

describe("the profile's target dev", () => {
  const profile = () => join(project.paths.profiles, 'profiles.yml');
  const withDev = async (dev: string, work: () => Promise<void>): Promise<void> => {
    const before = await readFile(profile(), 'utf8');
    await writeFile(profile(), before.replace(/dev: \{.*\}/, `dev: ${dev}`));
    try {
      await work();
    } finally {
      await writeFile(profile(), before);
    }
  };
  const options = () => ({ paths: project.paths, target: 'dev' as const });

  it.each([
    [
      'another file',
      '{type: duckdb, path: /tmp/elsewhere.duckdb}',
      /builds into \/tmp\/elsewhere\.duckdb, but meetup loads into/,
    ],
    ['a relative file', '{type: duckdb, path: other.duckdb}', /builds into other\.duckdb, but/],
    ['memory', "{type: duckdb, path: ':memory:'}", /builds into :memory:, but/],
    ['no path', '{type: duckdb}', /builds into :memory:, but/],
    ['a variable', '{type: duckdb, path: \'{{ env_var("NOPE", "x.duckdb") }}\'}', /builds into x\.duckdb, but/],
    ['Databricks', '{type: databricks, host: x}', /is of type databricks, but meetup needs DuckDB there/],
  ])(
    'is rejected by build, load and query, and reported by doctor, if it builds into another database: %s',
    async (_name, dev, reason) => {
      await withDev(dev, async () => {
        await expect(build(options(), effects())).rejects.toThrow(reason);
        await expect(load({ paths: project.paths, maxRejected: 0.01 }, effects())).rejects.toThrow(reason);
        await expect(query({ paths: project.paths, sql: 'select 1' }, effects())).rejects.toThrow(reason);
        const { exitCode, report } = await doctor(options(), effects());
        expect(exitCode).toBe(1);
        expect(report.checks.find(({ name }) => name === 'Profile dev')?.detail).toMatch(reason);
      });
    },
  );

  it('is rejected by the engine if it builds into another database and only dbt can render the path', async () => {
    await withDev(`{type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') | replace('work', 'play') }}"}`, async () => {
      await expect(build(options(), effects())).rejects.toThrow(
        /builds into .*\/play\/meetup\.duckdb, but meetup loads into/,
      );
    });
  });
  it.each([
    '{type: duckdb, path: "{{ env_var(\'MEETUP_DUCKDB_PATH\') }}"}',
    '{type: duckdb, path: \'{{env_var("MEETUP_DUCKDB_PATH", "x")}}\'}',
  ])('may refer to MEETUP_DUCKDB_PATH in any spelling: %s', async (dev) => {
    await withDev(dev, async () => {
      expect((await build({ ...options(), select: 'numbers' }, effects())).report.status).toBe('pass');
    });
  });

  it('may be one of several outputs of any type, and another one may be the default', async () => {
    const before = await readFile(profile(), 'utf8');
    const mine = before
      .replace('target: dev', 'target: mine')
      .replace('  outputs:\n', '  outputs:\n    mine: {type: snowflake}\n');
    await writeFile(profile(), `other: {target: x, outputs: {x: {type: postgres}}}\n${mine}`);
    try {
      expect((await build({ ...options(), select: 'numbers' }, effects())).report.status).toBe('pass');
      const { report } = await doctor(options(), effects());
      expect(report.checks.find(({ name }) => name === 'Profile dev')?.status).toBe('ok');
      const { exitCode, stderr } = await runInProcess(['build', '--target', 'mine']);
      expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/got 'mine': use dbt itself for other outputs of/)]);
    } finally {
      await writeFile(profile(), before);
    }
  });
});

describe('TMPDIR', () => {
  it('is named in a one-sentence error if it does not exist', async () => {
    const missing = join(await temporaryFolder(), 'gone');
    vi.stubEnv('TMPDIR', missing);
    try {
      const { exitCode, stderr } = await runInProcess(['test', '--state-dir', project.paths.state]);
      expect(exitCode).toBe(2);
      expect(stderr).toBe(
        `Error: The folder for temporary files, ${missing}, can't be used because it does not exist: set TMPDIR to a folder that exists and is writable.\n`,
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('meetup test --select', () => {
  it.each([
    [
      'a name that matches no test',
      ['--select', 'nosuchname'],
      /No test matches --select 'nosuchname': check the names/,
    ],
    [
      'an invalid regular expression',
      ['--select', 'a('],
      /--select 'a\(' is not a regular expression \(.+\): correct it/,
    ],
    [
      'an invalid range in a regular expression',
      ['--select', 'x', '[z-a]'],
      /--select '\[z-a\]' is not a regular expression/,
    ],
    [
      'a name that matches no model',
      ['--mutate', '--select', 'nosuch', 'neither'],
      /No model's name matches --select 'nosuch neither'/,
    ],
  ])('exits with 2 and a one-sentence error for %s', async (_name, words, sentence) => {
    const { exitCode, stderr } = await runInProcess(['test', '--only', 'fixtures', ...words], {
      env: { ...env, MEETUP_TOOLCHAIN_DIR: project.paths.toolchain, MEETUP_STATE_DIR: join(folder, 'state-of-tests') },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(sentence);
  });
});
