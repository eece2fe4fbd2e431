import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { contentOf, isIgnored } from '../../src/engine/project-files.ts';
import { type WatcherEffects, watchProject } from '../../src/watch/watcher.ts';
import { temporaryFolder } from '../support/effects.ts';

vi.setConfig({ testTimeout: 20_000 });

interface Watched {
  readonly paths: Paths;
  /** The reported files, batch by batch. */
  readonly batches: string[][];
  readonly trouble: string[];
  readonly alsoWatch: (folders: readonly string[]) => void;
  /** Waits for the next batches, and returns their files. */
  readonly next: () => Promise<string[]>;
}

/** Starts watching a new project folder. */
async function watched(
  prepare: (paths: Paths) => Promise<unknown> = async () => undefined,
  effects: Partial<WatcherEffects> = {},
): Promise<Watched> {
  const folder = await temporaryFolder();
  const paths = resolvePaths({ stateDir: join(folder, '.meetup') }, { MEETUP_PROJECT_DIR: folder }, folder);
  for (const path of [paths.dbtProject, paths.fixtures, paths.data, paths.profiles])
    await mkdir(path, { recursive: true });
  await writeFile(join(paths.dbtProject, 'model.sql'), 'select 1');
  await prepare(paths);
  const batches: string[][] = [];
  const trouble: string[] = [];
  const watcher = watchProject(paths, (files) => batches.push(files.map((file) => relative(folder, file))), {
    onTrouble: (sentence) => trouble.push(sentence),
    ...effects,
  });
  onTestFinished(() => watcher.close());
  const next = async (): Promise<string[]> => {
    const before = batches.length;
    while (batches.length === before) await delay(5);
    // Gives further batches of the same change time to arrive.
    await delay(150);
    return [...new Set(batches.slice(before).flat())].sort();
  };
  return { paths, batches, trouble, alsoWatch: watcher.alsoWatch, next };
}

describe('a save', () => {
  it('is reported once if the file is written in place', async () => {
    const { paths, batches, next } = await watched();
    void writeFile(join(paths.dbtProject, 'model.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is reported once if a new file is renamed over the old one', async () => {
    const { paths, batches, next } = await watched();
    const file = join(paths.dbtProject, 'model.sql');
    await writeFile(`${file}.tmp`, 'select 2');
    void rename(`${file}.tmp`, file);
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is reported once if vim makes a backup, tests a file called 4913, and writes a new file', async () => {
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

  it('is reported once if a formatter writes the file again immediately', async () => {
    const { paths, batches, next } = await watched();
    const file = join(paths.dbtProject, 'model.sql');
    writeFileSync(file, 'select  2');
    writeFileSync(file, 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(batches).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('contains a whole checkout of a hundred files', async () => {
    const { paths, batches, next } = await watched();
    const names = Array.from({ length: 100 }, (_, i) => `m${String(i).padStart(3, '0')}.sql`);
    // Without a pause in which the watcher could look, however busy the machine is.
    mkdirSync(join(paths.dbtProject, 'models', 'deep'), { recursive: true });
    for (const name of names) writeFileSync(join(paths.dbtProject, 'models', 'deep', name), 'select 1');
    const files = new Set(await next());
    while (files.size < 100) for (const file of await next()) files.add(file);
    expect([...files].sort()).toEqual(names.map((name) => `dbt/models/deep/${name}`));
    expect(batches.length).toBeLessThanOrEqual(2);
  });

  it('contains removed files', async () => {
    const { paths, next } = await watched();
    void rm(join(paths.dbtProject, 'model.sql'));
    expect(await next()).toEqual(['dbt/model.sql']);
  });

  it('contains files from every folder that builds read', async () => {
    const { paths, next } = await watched();
    void Promise.all(
      [paths.dbtProject, paths.fixtures, paths.data, paths.profiles].map((folder) =>
        writeFile(join(folder, 'new.yml'), ''),
      ),
    );
    expect(await next()).toEqual(['data/new.yml', 'dbt/new.yml', 'fixtures/models/new.yml', 'profiles/new.yml']);
  });

  it("does not contain dbt's output or a state folder inside the project", async () => {
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

  it('contains a file of which only the modification time changed, since the watcher reads no content', async () => {
    const { paths, next } = await watched();
    void utimes(join(paths.dbtProject, 'model.sql'), new Date(), new Date(Date.now() + 5000));
    expect(await next()).toEqual(['dbt/model.sql']);
  });
});

describe('folders', () => {
  it('are still watched after they were repeatedly removed and created again', async () => {
    const { paths, next } = await watched(({ dbtProject }) => mkdir(join(dbtProject, 'models')));
    const folder = join(paths.dbtProject, 'models');
    for (let round = 1; round <= 5; round += 1) {
      void (async () => {
        await rm(folder, { recursive: true });
        await mkdir(folder);
        await writeFile(join(folder, `made_${round}.sql`), 'select 1');
      })();
      expect(await next()).toContain(`dbt/models/made_${round}.sql`);
      void writeFile(join(folder, `made_${round}.sql`), 'select 2');
      expect(await next()).toEqual([`dbt/models/made_${round}.sql`]);
    }
  });

  it('are reported as removed and new files if they are moved', async () => {
    const { paths, next } = await watched(async ({ dbtProject }) => {
      await mkdir(join(dbtProject, 'models', 'before', 'deep'), { recursive: true });
      await writeFile(join(dbtProject, 'models', 'before', 'deep', 'm.sql'), 'select 1');
    });
    const models = join(paths.dbtProject, 'models');
    void rename(join(models, 'before'), join(models, 'after'));
    expect(await next()).toEqual(['dbt/models/after/deep/m.sql', 'dbt/models/before/deep/m.sql']);
    void writeFile(join(models, 'after', 'deep', 'm.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/models/after/deep/m.sql']);
  });

  it('may be missing at first, and may disappear and come back', async () => {
    const { paths, next } = await watched(({ fixtures }) => rm(fixtures, { recursive: true }));
    void mkdir(paths.fixtures).then(() => writeFile(join(paths.fixtures, 'new.yml'), ''));
    expect(await next()).toEqual(['fixtures/models/new.yml']);
    void (async () => {
      await rm(paths.dbtProject, { recursive: true });
      await mkdir(paths.dbtProject);
      await writeFile(join(paths.dbtProject, 'other.sql'), '');
    })();
    expect(await next()).toEqual(['dbt/model.sql', 'dbt/other.sql']);
    void writeFile(join(paths.dbtProject, 'other.sql'), 'select 1');
    expect(await next()).toEqual(['dbt/other.sql']);
  });

  it('outside the project are watched if dbt_project.yml names them, even after a later change of it', async () => {
    const { paths, next } = await watched(async ({ root, dbtProject }) => {
      await writeFile(join(dbtProject, 'dbt_project.yml'), 'model-paths: [models, ../extra]\n');
      await mkdir(join(root, 'extra', 'logs'), { recursive: true });
      await mkdir(join(root, 'more'));
    });
    void writeFile(join(paths.root, 'extra', 'logs', 'm.sql'), 'select 1');
    expect(await next()).toEqual(['extra/logs/m.sql']);
    void writeFile(join(paths.dbtProject, 'dbt_project.yml'), 'macro-paths: [../more]\n');
    expect(await next()).toEqual(['dbt/dbt_project.yml']);
    void writeFile(join(paths.root, 'more', 'macro.sql'), '');
    expect(await next()).toEqual(['more/macro.sql']);
  });

  it('that dbt reports as searched are watched, even if dbt_project.yml has a Jinja expression', async () => {
    const { paths, alsoWatch, next } = await watched(async ({ root, dbtProject }) => {
      await writeFile(join(dbtProject, 'dbt_project.yml'), `model-paths: ["{{ env_var('MODELS') }}"]\n`);
      await mkdir(join(root, 'models'));
    });
    alsoWatch([join(paths.root, 'models')]);
    void writeFile(join(paths.root, 'models', 'm.sql'), 'select 1');
    expect(await next()).toEqual(['models/m.sql']);
  });

  it('are watched through a symbolic link', async () => {
    const { paths, next } = await watched(async ({ root, dbtProject }) => {
      await mkdir(join(root, 'elsewhere'));
      await symlink(join(root, 'elsewhere'), join(dbtProject, 'models'));
    });
    void writeFile(join(paths.root, 'elsewhere', 'm.sql'), 'select 1');
    expect(await next()).toEqual(['dbt/models/m.sql']);
  });

  it('with circular symbolic links are searched only once', async () => {
    const { paths, next } = await watched(async ({ data, dbtProject }) => {
      await symlink('.', join(dbtProject, 'again'));
      await mkdir(join(data, '2026-01-01'));
      await symlink('..', join(data, '2026-01-01', 'up'));
      await symlink('2026-01-01', join(data, '2026-01-02'));
    });
    void writeFile(join(paths.data, '2026-01-01', 'users.json'), '[]');
    expect(await next()).toEqual(['data/2026-01-01/users.json', 'data/2026-01-02/users.json']);
  });
});

describe('an unreadable file', () => {
  it('is reported but not opened: a named pipe, a symbolic link to itself, a dangling symbolic link', async () => {
    const { paths, next } = await watched();
    execFileSync('mkfifo', [join(paths.dbtProject, 'pipe.sql')]);
    symlinkSync('circle.sql', join(paths.dbtProject, 'circle.sql'));
    symlinkSync('/nowhere', join(paths.dbtProject, 'nothing.sql'));
    symlinkSync('someone@somewhere.1', join(paths.dbtProject, '.#model.sql'));
    expect(await next()).toEqual(['dbt/circle.sql', 'dbt/nothing.sql', 'dbt/pipe.sql']);
    expect(contentOf(join(paths.dbtProject, 'pipe.sql'))).toMatch(/^unreadable: .* is not a regular file$/);
    expect(contentOf(join(paths.dbtProject, 'circle.sql'))).toMatch(/^unreadable: ELOOP/);
    expect(contentOf(join(paths.dbtProject, 'nothing.sql'))).toBe('a link to nothing');
    expect(contentOf(paths.dbtProject)).toMatch(/^unreadable: .* is a folder$/);
    expect(contentOf(join(paths.dbtProject, 'model.sql', 'below'))).toBe('absent');
  });
});

describe('without reliable file events', () => {
  it('the watcher reports that the system has no watches left, and polls for changes', async () => {
    const noSpace = Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), {
      code: 'ENOSPC',
    });
    const { paths, trouble, next } = await watched(undefined, {
      watchFolder: (_folder, { onError }) => {
        setImmediate(() => onError(noSpace));
        return { close: () => undefined };
      },
    });
    await expect
      .poll(() => trouble)
      .toEqual([
        expect.stringMatching(/^The system can't watch more files .*ENOSPC.*: raise fs\.inotify\.max_user_watches/),
      ]);
    void writeFile(join(paths.dbtProject, 'model.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
    void rm(join(paths.dbtProject, 'model.sql'));
    expect(await next()).toEqual(['dbt/model.sql']);
  });

  it('lost events only delay a change', async () => {
    const { paths, next } = await watched(undefined, { watchFolder: () => ({ close: () => undefined }) });
    void writeFile(join(paths.dbtProject, 'model.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
  });

  it('a constant stream of events delays a change by at most two seconds', async () => {
    const { paths, next } = await watched();
    const storm = setInterval(() => void utimes(join(paths.dbtProject, 'model.sql'), new Date(), new Date()), 5);
    onTestFinished(() => clearInterval(storm));
    expect(await next()).toContain('dbt/model.sql');
  });
});

describe("git's index lock", () => {
  it('delays a batch until git releases it', async () => {
    const { paths, batches, next } = await watched(({ root }) => mkdir(join(root, '.git')));
    const lock = join(paths.root, '.git', 'index.lock');
    void (async () => {
      await writeFile(lock, '');
      await writeFile(join(paths.dbtProject, 'first.sql'), '');
      await delay(300);
      await writeFile(join(paths.dbtProject, 'second.sql'), '');
      await rm(lock);
    })();
    expect(await next()).toEqual(['dbt/first.sql', 'dbt/second.sql']);
    expect(batches).toHaveLength(1);
  });

  it('is ignored if it is stale', async () => {
    const { paths, next } = await watched(async ({ root }) => {
      await mkdir(join(root, '.git'));
      await writeFile(join(root, '.git', 'index.lock'), '');
      await utimes(join(root, '.git', 'index.lock'), new Date(), new Date(Date.now() - 60_000));
    });
    const started = performance.now();
    void writeFile(join(paths.dbtProject, 'model.sql'), 'select 2');
    expect(await next()).toEqual(['dbt/model.sql']);
    expect(performance.now() - started).toBeLessThan(1500);
  });
});

describe('a path', () => {
  const paths = {
    root: '/project',
    state: '/project/.meetup',
    data: '/project/data',
    schemas: '/project/data/schemas',
  };
  const folders = { searched: ['/project/dbt/models', '/elsewhere/logs/extra'], made: ['/project/dbt/out'] };
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
    '/project/dbt/logs/dbt.log',
    '/project/dbt/out/manifest.json',
    '/project/.git/index',
    '/project/.meetup/work/meetup.duckdb',
  ])('of a file that editors and tools leave behind is ignored: %s', (path) => {
    expect(isIgnored(path, paths, folders)).toBe(true);
  });

  it.each([
    '/project/dbt/models/model.sql',
    '/project/dbt/models/targets.sql',
    '/project/dbt/models/logs/entries.sql',
    '/project/dbt/models/target/model.sql',
    '/elsewhere/logs/extra/model.sql',
    '/project/fixtures/models/logs_by_day/one.yml',
    '/project/data/2026-01-01/events.json',
    '/project/profiles/profiles.yml',
  ])('of a project file is not ignored: %s', (path) => {
    expect(isIgnored(path, paths, folders)).toBe(false);
  });

  it('is not ignored because of the folders that contain the project', () => {
    const moved = {
      root: '/var/logs/.venv/project',
      state: '/state',
      data: '/tmp/target/data',
      schemas: '/tmp/out/schemas',
    };
    expect(isIgnored('/var/logs/.venv/project/dbt/models/model.sql', moved, folders)).toBe(false);
    expect(isIgnored('/tmp/target/data/users.json', moved, folders)).toBe(false);
    expect(isIgnored('/tmp/out/schemas/users.schema.json', moved, folders)).toBe(false);
  });
});
