import { mkdir, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { isNoise, watchProject } from '../../src/watch/watcher.ts';
import { temporaryFolder } from '../support/effects.ts';

vi.setConfig({ testTimeout: 20_000 });

/** A project folder that is being watched, and the batches that were told. */
async function watched(): Promise<{ paths: Paths; batches: string[][]; next: () => Promise<string[]> }> {
  const folder = await temporaryFolder();
  const paths = resolvePaths({ stateDir: join(folder, '.meetup') }, { MEETUP_PROJECT_DIR: folder }, folder);
  for (const path of [paths.dbtProject, paths.fixtures, paths.data, paths.profiles]) await mkdir(path);
  await writeFile(join(paths.dbtProject, 'model.sql'), 'select 1');
  const batches: string[][] = [];
  const watcher = watchProject(paths, (files) => batches.push(files.map((file) => file.slice(folder.length + 1))));
  await watcher.ready;
  onTestFinished(() => watcher.close());
  const next = async (): Promise<string[]> => {
    const before = batches.length;
    while (batches.length === before) await delay(5);
    // Whatever else is to come of the same change has time to.
    await delay(150);
    return batches.slice(before).flat();
  };
  return { paths, batches, next };
}

describe('a save', () => {
  it('is told once when a file is written in place', async () => {
    const { paths, batches, next } = await watched();
    void writeFile(join(paths.dbtProject, 'model.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is told once when a new file is renamed over the old one', async () => {
    const { paths, batches, next } = await watched();
    const file = join(paths.dbtProject, 'model.sql');
    await writeFile(`${file}.tmp`, 'select 2');
    void rename(`${file}.tmp`, file);
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is told once when vim keeps a backup, tries out a file called 4913, and writes the file anew', async () => {
    const { paths, batches, next } = await watched();
    const file = join(paths.dbtProject, 'model.sql');
    const vim = async (): Promise<void> => {
      await writeFile(join(paths.dbtProject, '.model.sql.swp'), 'swap');
      await writeFile(join(paths.dbtProject, '4913'), '');
      await unlink(join(paths.dbtProject, '4913'));
      await rename(file, `${file}~`);
      await writeFile(file, 'select 2');
      await unlink(`${file}~`);
      await unlink(join(paths.dbtProject, '.model.sql.swp'));
    };
    void vim();
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is told once when a formatter writes the file a second time right after', async () => {
    const { paths, batches, next } = await watched();
    const file = join(paths.dbtProject, 'model.sql');
    void writeFile(file, 'select  2').then(() => writeFile(file, 'select 2'));
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('is a whole checkout of a hundred files', async () => {
    const { paths, batches, next } = await watched();
    const names = Array.from({ length: 100 }, (_, i) => `m${String(i).padStart(3, '0')}.sql`);
    void (async () => {
      await mkdir(join(paths.dbtProject, 'models', 'deep'), { recursive: true });
      for (const name of names) await writeFile(join(paths.dbtProject, 'models', 'deep', name), 'select 1');
    })();
    const told = new Set(await next());
    while (told.size < 100) for (const file of await next()) told.add(file);
    expect([...told].sort()).toEqual(names.map((name) => `dbt/models/deep/${name}`));
    expect(batches.length).toBeLessThanOrEqual(2);
  });

  it('holds files that are gone', async () => {
    const { paths, next } = await watched();
    void rm(join(paths.dbtProject, 'model.sql'));
    expect(await next()).toEqual(['dbt/model.sql']);
  });

  it('holds files of every folder that a build is made from', async () => {
    const { paths, next } = await watched();
    void Promise.all(
      [paths.dbtProject, paths.fixtures, paths.data, paths.profiles].map((folder) =>
        writeFile(join(folder, 'new.yml'), ''),
      ),
    );
    expect(await next()).toEqual(['data/new.yml', 'dbt/new.yml', 'fixtures/new.yml', 'profiles/new.yml']);
  });

  it('does not come of what dbt writes, nor of a state folder inside the project', async () => {
    const { paths, batches } = await watched();
    await mkdir(join(paths.dbtProject, 'target'));
    await writeFile(join(paths.dbtProject, 'target', 'manifest.json'), '{}');
    await mkdir(join(paths.dbtProject, 'logs'));
    await writeFile(join(paths.dbtProject, 'logs', 'dbt.log'), '');
    await mkdir(paths.state);
    await writeFile(join(paths.state, 'meetup.duckdb'), '');
    await delay(300);
    expect(batches).toEqual([]);
  });

  it('comes of a file whose time alone changed too: whether its content did, the loop decides', async () => {
    const { paths, next } = await watched();
    void utimes(join(paths.dbtProject, 'model.sql'), new Date(), new Date(Date.now() + 5000));
    expect(await next()).toEqual(['dbt/model.sql']);
  });
});

describe('what editors leave beside a file', () => {
  const paths = { root: '/project', state: '/project/.meetup' };
  it.each([
    '/project/dbt/models/.model.sql.swp',
    '/project/dbt/models/.model.sql.swx',
    '/project/dbt/models/4913',
    '/project/dbt/models/model.sql~',
    '/project/dbt/models/.#model.sql',
    '/project/dbt/models/#model.sql#',
    '/project/dbt/models/model.sql___jb_tmp___',
    '/project/dbt/models/.DS_Store',
    '/project/dbt/target',
    '/project/.meetup/work/meetup.duckdb',
  ])('is noise: %s', (path) => {
    expect(isNoise(path, paths)).toBe(true);
  });

  it.each([
    '/project/dbt/models/model.sql',
    '/project/dbt/models/targets.sql',
    '/project/fixtures/models/logs_by_day/one.yml',
    '/project/data/2026-01-01/events.json',
    '/project/profiles/profiles.yml',
  ])('is not: %s', (path) => {
    expect(isNoise(path, paths)).toBe(false);
  });
});
