import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DoctorReport, run } from '../../src/commands/doctor.ts';
import type { Target } from '../../src/config/options.ts';
import type { Paths } from '../../src/config/paths.ts';
import { renderDoctor } from '../../src/terminal/doctor.ts';
import { styleFor } from '../../src/text/style.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { tryLock } from '../../src/warehouse/lock.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';

const PATH = process.env.PATH ?? '';
const DATABRICKS = {
  DATABRICKS_HOST: 'not-shown.example',
  DATABRICKS_HTTP_PATH: '/sql/hidden',
  DATABRICKS_TOKEN: 's3cret',
};

async function examine(given: {
  paths?: Paths;
  target?: Target;
  env?: Record<string, string>;
}): Promise<{ exitCode: number; report: DoctorReport; check: (name: string) => DoctorReport['checks'][number] }> {
  const paths = given.paths ?? (await temporaryPaths());
  const effects = quietEffects({ env: given.env ?? { PATH } });
  const { exitCode, report } = await run({ paths, target: given.target ?? 'dev' }, effects);
  const check = (name: string) => {
    const found = report.checks.find((one) => one.name === name);
    return found ?? expect.unreachable(`doctor has no check '${name}'`);
  };
  return { exitCode, report, check };
}

/** A folder to use as PATH, with nothing but these programs. Each only prints its output. */
async function machineWith(programs: Record<string, string>): Promise<string> {
  const bin = await temporaryFolder();
  for (const [name, output] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\necho '${output}' >&2\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}

describe('doctor', () => {
  it('reports on everything before the first build, and creates nothing', async () => {
    const paths = await temporaryPaths();
    const { exitCode, report, check } = await examine({ paths });
    expect(exitCode).toBe(0);
    expect(report.checks.map(({ name }) => name)).toEqual([
      'Node',
      'npm',
      'Python',
      "dbt's environment",
      'DuckDB',
      'Database',
      'State folder',
      'Disk',
      'Running',
      'Profile dev',
      'Java',
      'git',
    ]);
    expect(check("dbt's environment")).toMatchObject({ status: 'warn', fix: '`./meetup build` creates it' });
    expect(check('DuckDB').detail).toMatch(/^\d+\.\d+\.\d+ in Node/);
    expect(existsSync(paths.state)).toBe(false);
  });

  it('exits with 1 on a machine without Python, and says what to do', async () => {
    const bin = await machineWith({});
    const { exitCode, report, check } = await examine({ env: { PATH: bin } });
    expect(exitCode).toBe(1);
    expect(report.status).toBe('fail');
    expect(check('Python')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('there is none on the PATH'),
      fix: expect.stringContaining('PYTHON'),
    });
  });

  it('only warns about tools that few commands need', async () => {
    const { check } = await examine({ env: { PATH: await machineWith({}) } });
    for (const name of ['npm', 'Java', 'git']) expect(check(name).status).toBe('warn');
  });

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 'ok'],
    ['java version "21" 2023-09-19', 'ok'],
    ['openjdk version "11.0.2" 2019-01-15', 'warn'],
    ['java version "1.8.0_392"', 'warn'],
  ])('parses the version of Java: %s gives %s', async (output, status) => {
    const { check } = await examine({ env: { PATH: await machineWith({ java: output }) } });
    expect(check('Java').status).toBe(status);
  });

  describe("on dbt's environment", () => {
    it('warns that an environment without a stamp is incomplete', async () => {
      const paths = await temporaryPaths();
      await install(paths, { 'dbt_core-1.11.16': '' });
      expect((await examine({ paths })).check("dbt's environment")).toMatchObject({
        status: 'warn',
        detail: expect.stringContaining('incomplete'),
      });
    });

    it("fails if dbt's DuckDB has a different version than Node's", async () => {
      const paths = await temporaryPaths();
      await install(paths, { 'duckdb-0.1.2': '' });
      const { exitCode, check } = await examine({ paths });
      expect(exitCode).toBe(1);
      expect(check('DuckDB').detail).toMatch(/^[\d.]+ in Node, but 0\.1\.2 in dbt$/);
    });

    async function install(paths: Paths, packages: Record<string, string>): Promise<void> {
      const library = join(paths.toolchain, 'python', 'lib', 'python3.12', 'site-packages');
      for (const name of Object.keys(packages)) await mkdir(join(library, `${name}.dist-info`), { recursive: true });
    }
  });

  describe('on the state folder', () => {
    it('fails if the folder is not writable', async () => {
      const paths = await temporaryPaths();
      await writeFile(join(dirname(paths.state), 'file'), '');
      const blocked = { ...paths, state: join(dirname(paths.state), 'file', 'state') };
      expect((await examine({ paths: blocked })).check('State folder').status).toBe('fail');
    });

    it('leaves nothing behind in the folder', async () => {
      const paths = await temporaryPaths();
      await mkdir(paths.state);
      expect((await examine({ paths })).check('State folder')).toMatchObject({ status: 'ok', detail: paths.state });
      expect(await readdir(paths.state)).toEqual([]);
    });

    it('fails if the database is damaged, and says how to rebuild it', async () => {
      const paths = await temporaryPaths();
      await mkdir(paths.state);
      await writeFile(paths.database, 'this is no database');
      expect((await examine({ paths })).check('Database')).toMatchObject({
        status: 'fail',
        fix: '`./meetup clean` removes it and `./meetup dev` builds it again from the data',
      });
    });

    it('counts the marts of a sound database', async () => {
      const paths = await temporaryPaths();
      await mkdir(paths.state);
      const warehouse = await DuckDbWarehouse.open(paths.database, { readOnly: false });
      await warehouse.run('create schema marts');
      await warehouse.run('create table marts.dim_groups as select 1 as group_id');
      await warehouse.close();
      expect((await examine({ paths })).check('Database').detail).toContain(', 1 mart');
    });

    it('lists running meetup processes without a warning', async () => {
      const paths = await temporaryPaths();
      const free = await tryLock(paths, 'watch');
      if ('release' in free) free.release();
      const source = `
        require('@duckdb/node-api').DuckDBInstance.create(${JSON.stringify(join(paths.state, 'watch.lock'))})
          .then((held) => { console.log('held'); setInterval(() => held, 1000); });`;
      const other = spawn(process.execPath, ['-e', source], {
        cwd: process.cwd(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await once(other.stdout, 'data');
        expect((await examine({ paths })).check('Running')).toMatchObject({
          status: 'ok',
          detail: `process ${other.pid} is watching`,
        });
      } finally {
        other.kill('SIGKILL');
        await once(other, 'exit');
      }
    });
  });

  describe('on a target', () => {
    it('names the environment variables that are not set', async () => {
      const { exitCode, check } = await examine({ target: 'prod', env: { PATH, DATABRICKS_HOST: 'x' } });
      expect(exitCode).toBe(1);
      expect(check('Profile prod')).toMatchObject({
        status: 'fail',
        detail: 'not set: DATABRICKS_HTTP_PATH, DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET',
      });
    });

    it('accepts a service principal in place of a token', async () => {
      const { DATABRICKS_TOKEN: _token, ...rest } = DATABRICKS;
      const env = { PATH, ...rest, DATABRICKS_CLIENT_ID: 'a', DATABRICKS_CLIENT_SECRET: 'b' };
      expect((await examine({ target: 'prod', env })).check('Profile prod').status).toBe('ok');
    });

    it("finds credentials in Databricks' own configuration file, as a deployment does", async () => {
      const file = join(await temporaryFolder(), 'cfg');
      await writeFile(file, '[DEFAULT]\nhost = 127.0.0.1:1\nhttp_path = /sql/1.0/warehouses/a\ntoken = a\n');
      const env = { PATH, DATABRICKS_CONFIG_FILE: file };
      const { check } = await examine({ target: 'prod', env });
      expect(check('Profile prod').status).toBe('ok');
      expect(check('Reaching prod')).toMatchObject({ status: 'fail', detail: 'no connection (ECONNREFUSED)' });
      const lost = await examine({ target: 'prod', env: { ...env, DATABRICKS_CONFIG_PROFILE: 'nobody' } });
      expect(lost.check('Profile prod').detail).toContain('has no profile [nobody]');
    });

    it('never shows the values of credentials', async () => {
      const { report } = await examine({ target: 'prod', env: { PATH, ...DATABRICKS } });
      const shown = `${JSON.stringify(report)}${renderDoctor(report, styleFor({}, {}))}`;
      for (const value of Object.values(DATABRICKS)) expect(shown).not.toContain(value);
    });

    it('reports whether the warehouse is reachable', async () => {
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const env = { PATH, ...DATABRICKS, DATABRICKS_HOST: `127.0.0.1:${port}` };
      expect((await examine({ target: 'prod', env })).check('Reaching prod')).toMatchObject({ status: 'ok' });
      await new Promise((done) => server.close(done));
      expect((await examine({ target: 'prod', env })).check('Reaching prod')).toMatchObject({
        status: 'fail',
        detail: 'no connection (ECONNREFUSED)',
      });
    });

    it('explains what is wrong with a broken profile', async () => {
      const paths = await temporaryPaths();
      const profiles = join(dirname(paths.state), 'profiles');
      await mkdir(profiles, { recursive: true });
      const broken = { ...paths, profiles };
      expect((await examine({ paths: broken })).check('Profile dev').detail).toContain('profiles.yml is missing');
      await writeFile(join(profiles, 'profiles.yml'), 'meetup: [');
      expect((await examine({ paths: broken })).check('Profile dev').detail).toContain('is not YAML');
      await writeFile(join(profiles, 'profiles.yml'), 'meetup: {outputs: {dev: {type: sqlite}}}');
      expect((await examine({ paths: broken })).check('Profile dev').detail).toContain('is of type sqlite');
      await writeFile(join(profiles, 'profiles.yml'), 'meetup: {outputs: {}}');
      expect((await examine({ paths: broken })).check('Profile dev').detail).toContain("no target 'dev'");
    });
  });

  it('prints a line for each check, followed by a remedy if the check did not pass', async () => {
    const { report } = await examine({ env: { PATH: await machineWith({ java: 'openjdk version "11.0.2"' }) } });
    const text = renderDoctor(report, styleFor({}, {}));
    expect(text).toMatch(/^! Java {15}11\.0\.2 is too old for the rehearsal\n {21}→ install Java 17 or newer/m);
    expect(text).toMatch(/\n1 check failed\.$/);
  });
});
