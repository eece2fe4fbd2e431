import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/clean.ts';
import { stateMarker } from '../../src/config/launcher.ts';
import { type Paths, projectRoot } from '../../src/config/paths.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { sparkArguments } from '../../src/rehearsal/supervisor/spark-files.ts';
import { renderClean } from '../../src/terminal/clean.ts';
import { styleFor } from '../../src/text/style.ts';
import { tryLock } from '../../src/warehouse/lock.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';

const effects = quietEffects();
const plain = styleFor({}, {});

/** A used state folder with data next to it, in its own project so that nothing of this repository is removed. */
async function usedState(): Promise<Paths> {
  const paths = await temporaryPaths();
  const project = { ...paths, dbtProject: join(dirname(paths.state), 'dbt') };
  await write(join(project.state, stateMarker().name), `${stateMarker().signature}\n# Made by meetup\n`);
  await write(join(project.state, 'meetup.duckdb'), 'x'.repeat(3000));
  await write(join(project.workDatabase), 'x'.repeat(2000));
  await write(join(project.toolchain, 'envs', 'python-1', 'bin', 'python'), 'x'.repeat(500));
  await symlink(join(project.toolchain, 'envs', 'python-1'), join(project.toolchain, 'python'));
  await write(join(project.data, 'groups.json'), '[]');
  return project;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe('clean', () => {
  it('removes the state folder, reports the freed space, and keeps the data', async () => {
    const paths = await usedState();
    const { exitCode, report } = await run({ paths, all: false }, effects);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ status: 'removed', removed: [{ path: paths.state }], kept: [] });
    expect(report.freedBytes).toBeGreaterThan(5500);
    expect(existsSync(paths.state)).toBe(false);
    expect(await readFile(join(paths.data, 'groups.json'), 'utf8')).toBe('[]');
    expect(renderClean(report, plain)).toMatch(/ kB freed\.$/);
  });

  it('stops a rehearsal that still runs in the state folder', async () => {
    const paths = await usedState();
    // A rehearsal process is recognised by the argument file it was started with.
    const spark = spawn(process.execPath, [
      '-e',
      'setInterval(() => {}, 1000)',
      `@${sparkArguments(rehearsalPlaces(paths))}`,
    ]);
    await once(spark, 'spawn');
    const ended = once(spark, 'exit');
    await run({ paths, all: false }, effects);
    await ended;
    expect(existsSync(paths.state)).toBe(false);
  });

  it('finds nothing to remove the second time', async () => {
    const paths = await usedState();
    await run({ paths, all: false }, effects);
    const { report } = await run({ paths, all: false }, effects);
    expect(report).toEqual({ status: 'nothing', removed: [], freedBytes: 0, kept: [] });
    expect(existsSync(paths.state)).toBe(false);
    expect(renderClean(report, plain)).toBe('Nothing to remove.');
  });

  it("removes dbt's own output from the project", async () => {
    const paths = await usedState();
    await write(join(paths.dbtProject, 'target', 'manifest.json'), '{}');
    await write(join(paths.dbtProject, 'logs', 'dbt.log'), '');
    await write(join(paths.dbtProject, 'models', 'a.sql'), 'select 1');
    await run({ paths, all: false }, effects);
    expect(existsSync(join(paths.dbtProject, 'target'))).toBe(false);
    expect(existsSync(join(paths.dbtProject, 'logs'))).toBe(false);
    expect(existsSync(join(paths.dbtProject, 'models', 'a.sql'))).toBe(true);
  });

  it('does not count a file as freed if another hard link to it remains', async () => {
    const paths = await usedState();
    const cached = join(dirname(paths.state), 'cached');
    await write(cached, 'x'.repeat(1_000_000));
    await link(cached, join(paths.toolchain, 'big'));
    const { report } = await run({ paths, all: false }, effects);
    expect(report.freedBytes).toBeLessThan(100_000);
    expect(existsSync(cached)).toBe(true);
  });

  it('follows no link out of the state folder', async () => {
    const paths = await usedState();
    const precious = join(dirname(paths.state), 'precious');
    await write(join(precious, 'thesis.txt'), 'mine');
    await symlink(precious, join(paths.state, 'link'));
    await run({ paths, all: false }, effects);
    expect(await readFile(join(precious, 'thesis.txt'), 'utf8')).toBe('mine');
  });

  it('removes the content of a state folder given as a symbolic link', async () => {
    const paths = await usedState();
    const linked = { ...paths, state: join(dirname(paths.state), 'link-to-state') };
    await symlink(paths.state, linked.state);
    const { report } = await run({ paths: linked, all: false }, effects);
    expect(report.status).toBe('removed');
    expect(existsSync(join(paths.state, 'meetup.duckdb'))).toBe(false);
  });

  it('keeps a toolchain that other projects may share, and says so', async () => {
    const paths = await usedState();
    const shared = { ...paths, toolchain: join(dirname(paths.state), 'shared-tools') };
    await write(join(shared.toolchain, 'uv', 'bin', 'uv'), '');
    const { report } = await run({ paths: shared, all: false }, effects);
    expect(report.kept).toEqual([{ path: shared.toolchain, why: expect.stringContaining('MEETUP_TOOLCHAIN_DIR') }]);
    expect(existsSync(join(shared.toolchain, 'uv', 'bin', 'uv'))).toBe(true);
    expect(renderClean(report, plain)).toContain('Left in place:');
  });

  describe('refuses and removes nothing', () => {
    it('if meetup did not create the state folder', async () => {
      const paths = await usedState();
      await writeFile(join(paths.state, stateMarker().name), 'Signature: something else');
      await expect(run({ paths, all: false }, effects)).rejects.toThrow(
        /is not removed because it has no CACHEDIR\.TAG/,
      );
      expect(existsSync(paths.database)).toBe(true);
    });

    it.each([
      ['the root of the disk', '/'],
      ['a home folder', homedir()],
      ['the project', projectRoot],
      ['a folder around the project', dirname(projectRoot)],
    ])('if the state folder is %s', async (_what, state) => {
      const paths = { ...(await temporaryPaths()), state };
      await expect(run({ paths, all: false }, effects)).rejects.toThrow(/it contains .*: remove by hand/);
    });

    it('if the state folder contains the data', async () => {
      const paths = await usedState();
      const mixed = { ...paths, data: join(paths.state, 'data') };
      await write(join(mixed.data, 'groups.json'), '[]');
      await expect(run({ paths: mixed, all: false }, effects)).rejects.toThrow(`it contains ${mixed.data}`);
      expect(existsSync(join(mixed.data, 'groups.json'))).toBe(true);
    });

    it.each([
      ['holds the write lock', 'write.lock', 'is working'],
      ['holds the watch lock', 'watch.lock', 'is working'],
      ['starts the rehearsal', 'rehearsal/write.lock', 'is starting or stopping the rehearsal'],
    ])('while a meetup process %s', async (_what, name, does) => {
      const paths = await usedState();
      await mkdir(rehearsalPlaces(paths).folder);
      const source = `
        const { DuckDBInstance } = require('@duckdb/node-api');
        DuckDBInstance.create(${JSON.stringify(join(paths.state, name))}).then((held) => {
          console.log('held'); setInterval(() => held, 1000);
        });`;
      const other = spawn(process.execPath, ['-e', source], { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(other.stdout, 'data');
        await expect(run({ paths, all: false }, effects)).rejects.toThrow(
          `Nothing was removed because meetup process ${other.pid} ${does} in ${paths.state}: wait for it`,
        );
        expect(existsSync(paths.database)).toBe(true);
        expect(existsSync(join(paths.toolchain, 'python'))).toBe(true);
      } finally {
        other.kill('SIGKILL');
        await once(other, 'exit');
      }
    });

    it('while a meetup process is setting up', async () => {
      const paths = await usedState();
      const launcher: {
        takeLock(folder: string, signal: AbortSignal, onWait: () => void): Promise<{ release(): void }>;
      } = createRequire(import.meta.url)('../../launcher/lock.cjs');
      const lock = await launcher.takeLock(join(paths.toolchain, 'setup'), effects.signal, () => {});
      await expect(run({ paths, all: false }, effects)).rejects.toThrow(`process ${process.pid} is setting up`);
      lock.release();
      expect(existsSync(paths.database)).toBe(true);
    });
  });

  it('releases its locks when it is interrupted, and finishes on a second run', async () => {
    const paths = await usedState();
    const stop = new AbortController();
    stop.abort();
    await expect(run({ paths, all: false }, quietEffects({ signal: stop.signal }))).rejects.toThrow('Interrupted');
    const lock = await tryLock(paths, 'write');
    if ('release' in lock) lock.release();
    expect(lock).toHaveProperty('release');
    await run({ paths, all: false }, effects);
    expect(existsSync(paths.state)).toBe(false);
  });
});
