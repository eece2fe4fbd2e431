import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { gitIn } from '../support/git.ts';
import { meetup } from '../support/meetup.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { CHAIN, chainModel, chainSql, smallProject } from '../support/small-project.ts';
import { type Outcome, Watching } from '../support/watching.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('file system'));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

/** A real `dev --watch` on a small project in a git repository. Each test restores the project. */
let folder: string;
let project: string;
let state: string;
let drops: string[];
let git: (...args: string[]) => string;
let watching: Watching;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-file-system-'));
  project = join(folder, 'project');
  state = join(folder, 'state');
  drops = await smallProject(project, join(folder, 'sample'), { days: 2 });
  git = gitIn(project);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'all');
  watching = new Watching(project, state, ['--max-rejected', '5%']);
  await watching.ready;
});

afterAll(async () => {
  await watching?.stop();
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => {
  expect(watching.child.exitCode).toBeNull();
  expect(watching.stderr).not.toMatch(/uncaught|unhandled|\n\s+at |Traceback/i);
});

const step = (i: number): string => join(project, chainModel(i));
const clean = { status: 'pass', failing: [] };
const dev = () =>
  meetup(['dev', '--json', '--state-dir', state, '--max-rejected', '5%'], { MEETUP_PROJECT_DIR: project });
const problemsOf = (outcome: Outcome) => outcome.events.filter(({ event }) => event === 'problem');

/**
 * Changes files, and waits until every resulting build is done. The change has to be one that leads to a build: waiting
 * for quiet alone ends too early if the watch has not seen the change yet.
 */
async function settledAfter(change: () => Promise<unknown> | unknown): Promise<Outcome> {
  const outcome = await watching.after(async () => change());
  await watching.settled();
  return { ...outcome, done: watching.lastDone() ?? outcome.done, events: watching.events };
}

describeInTurn('dev --watch', () => {
  it('is up to date after a git stash and stash pop', async () => {
    await watching.save(chainModel(2), chainSql(2, 1));
    await settledAfter(() => writeFile(join(project, 'dbt/models/marts/untracked.sql'), 'select 1 as one\n'));
    const popped = await settledAfter(() => {
      git('stash', '-q', '-u');
      git('stash', 'pop', '-q');
      // Something has to change so that there is a build to wait for.
      return rm(join(project, 'dbt/models/marts/untracked.sql'));
    });
    expect(popped.done).toMatchObject(clean);
    const back = await settledAfter(() => git('checkout', '-q', '--', '.'));
    expect(back.done).toMatchObject(clean);
  });

  it('builds the final state after branch changes and a rebase', async () => {
    git('checkout', '-q', '-b', 'feature');
    for (const i of [3, 4]) {
      await settledAfter(() => writeFile(step(i), chainSql(i, 10 + i)));
      git('commit', '-qam', `step ${i}`);
    }
    const main = await settledAfter(() => git('checkout', '-q', 'main'));
    expect(main.done).toMatchObject(clean);
    await settledAfter(() => writeFile(step(5), chainSql(5, 7)));
    git('commit', '-qam', 'step 5');
    const rebased = await settledAfter(() => {
      git('checkout', '-q', 'feature');
      git('rebase', '-q', 'main');
    });
    expect(rebased.done).toMatchObject(clean);
    expect(readFileSync(step(5), 'utf8')).toBe(chainSql(5, 7));
    const back = await settledAfter(() => {
      git('checkout', '-q', 'main');
      git('reset', '-q', '--hard', 'HEAD~1');
    });
    expect(back.done).toMatchObject(clean);
    git('branch', '-qD', 'feature');
  });

  it('drops the relations of models that git clean removed, and ignores another worktree', async () => {
    const made = await watching.after(() =>
      writeFile(join(project, 'dbt/models/marts/untracked.sql'), 'select 1 as one\n'),
    );
    expect(made.done).toMatchObject({ ...clean, built: ['untracked'] });
    git('worktree', 'add', '-q', join(project, 'other'), '-b', 'other');
    const cleaned = await settledAfter(() => git('clean', '-fdq'));
    expect(cleaned.done).toMatchObject({ ...clean, removed: ['marts.untracked'] });
    git('worktree', 'remove', '--force', join(project, 'other'));
    git('branch', '-qD', 'other');
  });
});

describeInTurn('a models folder', () => {
  it('is built after it was removed and created again', async () => {
    const chain = join(project, 'dbt/models/marts/chain');
    await cp(chain, join(folder, 'kept'), { recursive: true });
    for (const n of [21, 22]) {
      const made = await settledAfter(async () => {
        await rm(chain, { recursive: true });
        await cp(join(folder, 'kept'), chain, { recursive: true });
        await writeFile(step(CHAIN), chainSql(CHAIN, n));
      });
      expect(made.done).toMatchObject({ ...clean, built: [`step_${CHAIN}`] });
    }
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });

  it('is watched if it is outside the project', async () => {
    const changed = await watching.save('extra/outside.sql', (sql) => sql.replace('count(*)', 'count(*) + 1'));
    expect(changed.done).toMatchObject({ ...clean, built: ['outside'] });
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject({
      ...clean,
      built: ['outside'],
    });
  });

  it('is built and watched after it was replaced by a symbolic link', async () => {
    await rename(join(project, 'extra'), join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(project, 'extra'));
    await watching.settled();
    expect(JSON.parse((await dev()).stdout)).toMatchObject({ status: expect.stringMatching(/pass|unchanged/) });
    const changed = await watching.after(() =>
      writeFile(join(folder, 'elsewhere/outside.sql'), "{{ config(schema='marts') }} select 1 as n\n"),
    );
    expect(changed.done).toMatchObject({ ...clean, built: ['outside'] });
    await rm(join(project, 'extra'));
    await rename(join(folder, 'elsewhere'), join(project, 'extra'));
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });
});

describeInTurn('saves in quick succession', () => {
  it('leave no failure behind, and data that arrives afterwards is built', async () => {
    let n = 100;
    for (let burst = 1; burst <= 3; burst += 1) {
      for (let save = 1; save <= 20; save += 1) {
        n += 1;
        await writeFile(step(1 + (n % CHAIN)), chainSql(1 + (n % CHAIN), n));
        await delay(100);
      }
      await watching.settled();
      expect(watching.lastDone()).toMatchObject(clean);
    }
    const [drop = ''] = drops.splice(0, 1);
    await cp(drop, join(folder, 'drop'), { recursive: true });
    const loaded = await settledAfter(() => rename(join(folder, 'drop'), join(project, 'data', drop.slice(-10))));
    expect(loaded.done).toMatchObject(clean);
    expect(watching.allEvents.filter(({ event, status }) => /model|test/.test(event) && status === 'fail')).toEqual([]);
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });
});

describeInTurn('models', () => {
  it('are built again if they are restored after they were removed', async () => {
    const removed = await settledAfter(() => rm(join(project, 'dbt/models/marts/chain'), { recursive: true }));
    expect(removed.done.removed).toHaveLength(CHAIN);
    const restored = await settledAfter(() => git('checkout', '-q', '--', '.'));
    expect(restored.done).toMatchObject(clean);
    expect(restored.done.built).toHaveLength(CHAIN);
  });

  it('are built under the new name if only the case of the name changed', async () => {
    const at = (name: string): string => join(project, 'dbt/models/marts', name);
    const made = await watching.after(() => writeFile(at('Visitors.sql'), 'select 1 as one\n'));
    expect(made.done).toMatchObject({ ...clean, built: ['Visitors'] });
    const renamed = await settledAfter(() => rename(at('Visitors.sql'), at('visitors.sql')));
    expect(renamed.done).toMatchObject({ ...clean, built: ['visitors'] });
    expect((await settledAfter(() => rm(at('visitors.sql')))).done).toMatchObject({
      ...clean,
      removed: ['marts.visitors'],
    });
  });
});

describeInTurn("an editor's lock, which is a dangling symbolic link,", () => {
  it('is ignored by `dev --watch` and `dev`', async () => {
    const lock = join(project, 'dbt/models/marts/chain/.#step_1.sql');
    await symlink('someone@somewhere.4711:1700000000', lock);
    const saved = await watching.save(chainModel(1), chainSql(1, 5));
    expect(saved.events.find(({ event }) => event === 'change')).toMatchObject({ files: [chainModel(1)] });
    expect(saved.done).toMatchObject(clean);
    expect(JSON.parse((await dev()).stdout)).toMatchObject({ status: 'pass' });
    await rm(lock);
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });
});

describeInTurn('an unreadable file among the models is reported by `dev --watch` and `dev`:', () => {
  const cases: readonly [string, (path: string) => Promise<unknown> | unknown, RegExp][] = [
    [
      'a named pipe',
      (path) => execFileSync('mkfifo', [path]),
      /odd\.sql can't be read: it is a named pipe, not a regular file/,
    ],
    [
      'a symbolic link to itself',
      (path) => symlink('odd.sql', path),
      /odd\.sql can't be read: too many levels of symbolic links/,
    ],
    [
      'a dangling symbolic link',
      (path) => symlink('/nowhere', path),
      /odd\.sql can't be read: it is a symbolic link to something that does not exist/,
    ],
    [
      'a file with mode 000',
      (path) => writeFile(path, 'select 1 as one\n').then(() => chmod(path, 0)),
      /odd\.sql can't be read: permission denied/,
    ],
  ];
  it.each(cases)('%s', async (name, make, problem) => {
    const path = join(project, 'dbt/models/marts/odd.sql');
    const made = await settledAfter(() => make(path));
    // The superuser can read every file.
    const isReadable = name.includes('mode') && process.getuid?.() === 0;
    if (isReadable) expect(made.done).toMatchObject({ ...clean, built: ['odd'] });
    else {
      expect(made.done).toMatchObject({ status: 'fail', built: [] });
      expect(JSON.stringify(problemsOf(made))).toMatch(problem);
      const report = await dev();
      expect(report.exitCode).toBe(2);
      expect(report.stdout).toMatch(problem);
    }
    const saved = await settledAfter(async () => {
      await rm(path);
      await writeFile(step(2), chainSql(2, 3));
    });
    expect(saved.done).toMatchObject(clean);
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });
});

describeInTurn('the dbt project', () => {
  it('is built again after it was moved away and back', async () => {
    await rename(join(project, 'dbt'), join(folder, 'away'));
    const gone = await settledAfter(() => mkdir(join(project, 'dbt')));
    expect(gone.done.status).toBe('fail');
    await rm(join(project, 'dbt'), { recursive: true });
    await rename(join(folder, 'away'), join(project, 'dbt'));
    const back = await settledAfter(() => writeFile(step(1), chainSql(1, 1)));
    expect(back.done).toMatchObject(clean);
    expect(existsSync(step(1))).toBe(true);
    expect((await settledAfter(() => git('checkout', '-q', '--', '.'))).done).toMatchObject(clean);
  });
});
