import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { resolvePaths } from '../../src/config/paths.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { type Chance, chanceFrom, numberFrom } from '../support/chance.ts';
import { gitIn } from '../support/git.ts';
import { meetup } from '../support/meetup.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { CHAIN, chainModel, chainSql, smallProject } from '../support/small-project.ts';
import { type Done, Watching } from '../support/watching.ts';

const SECONDS = numberFrom('MEETUP_STRESS_SECONDS', 30);
const SEED = numberFrom('MEETUP_STRESS_SEED', 1);
const DROPS = 4;

vi.setConfig({ testTimeout: SECONDS * 1000 + 300_000 });

/** Acts like a developer who works on a project in a git repository, with many different editors. */
class Developer {
  readonly #project: string;
  readonly #drops: string[];
  readonly #chance: Chance;
  readonly #git: (...args: string[]) => string;
  readonly log: string[] = [];
  #n = 0;

  constructor(project: string, drops: readonly string[], chance: Chance) {
    this.#project = project;
    this.#drops = [...drops];
    this.#chance = chance;
    this.#git = gitIn(project);
    this.#git('init', '-q', '-b', 'main');
    this.#git('add', '-A');
    this.#git('commit', '-qm', 'all');
  }

  async act(): Promise<void> {
    const kind = this.#chance.of(Object.keys(this.#actions));
    this.log.push(kind);
    try {
      await this.#actions[kind]?.();
    } catch (error) {
      // git may reject the command in the current state, and files may be missing. That is part of everyday work.
      this.log.push(`(${String(error).split('\n')[0]})`);
    }
  }

  /** Aborts git operations, removes broken and unreadable files, and delivers the rest of the data. */
  async tidyUp(): Promise<void> {
    for (const operation of ['rebase', 'merge']) this.#try(operation, '--abort');
    await rm(join(this.#project, '.git', 'index.lock'), { force: true });
    this.#git('reset', '-q', '--hard');
    this.#git('clean', '-fdq');
    this.#git('checkout', '-q', this.#chance.of(this.#branches()));
    // A model may have been committed to this branch while it was broken.
    for (let i = 1; i <= CHAIN; i += 1) {
      const path = join(this.#project, chainModel(i));
      if (existsSync(path) && readFileSync(path, 'utf8').includes('from nowhere'))
        await writeFile(path, chainSql(i, 0));
    }
    for (let i = 0; i < DROPS; i += 1) await this.#drop();
  }

  readonly #actions: Record<string, () => Promise<unknown> | unknown> = {
    'saves in place': () => this.#save((path, text) => writeFile(path, text)),
    'saves by renaming': () =>
      this.#save(async (path, text) => {
        await writeFile(`${path}.tmp`, text);
        await rename(`${path}.tmp`, path);
      }),
    'saves in two steps': () =>
      this.#save(async (path, text) => {
        await writeFile(path, '');
        await delay(this.#chance.below(40));
        await writeFile(path, text);
      }),
    'saves with vim': () =>
      this.#save(async (path, text) => {
        const swap = path.replace(/([^/]*)$/, '.$1.swp');
        await writeFile(swap, 'swap');
        await writeFile(join(path, '..', '4913'), '');
        await unlink(join(path, '..', '4913'));
        await rename(path, `${path}~`);
        await writeFile(path, text);
        await unlink(`${path}~`);
        await unlink(swap);
      }),
    'saves with emacs': () =>
      this.#save(async (path, text) => {
        const lock = path.replace(/([^/]*)$/, '.#$1');
        await rm(lock, { force: true });
        await symlink('someone@somewhere.1', lock);
        await writeFile(path.replace(/([^/]*)$/, '#$1#'), text);
        await delay(this.#chance.below(60));
        await writeFile(path, text);
        await unlink(path.replace(/([^/]*)$/, '#$1#'));
        await unlink(lock);
      }),
    'saves twenty times': async () => {
      for (let i = 0; i < 20; i += 1) {
        await this.#save((path, text) => writeFile(path, text));
        await delay(100);
      }
    },
    'breaks a model': () => this.#save((path) => writeFile(path, 'select {{ ref( from nowhere')),
    'adds a model': () => writeFile(this.#extra(), `select ${this.#next()} as n\n`),
    'adds a model with a failing test': async () => {
      const name = `failing_${this.#next()}`;
      await writeFile(join(this.#models, `${name}.sql`), 'select null as n\n');
      await writeFile(
        join(this.#models, `${name}.yml`),
        `models: [{name: ${name}, columns: [{name: n, data_tests: [not_null]}]}]\n`,
      );
    },
    'removes a model': () => rm(this.#extra(), { force: true }),
    "changes the case of a model's name": () => {
      const path = this.#extra();
      return rename(path, path.replace(/extra(_\d)/, 'Extra$1'));
    },
    'removes a folder and restores it': async () => {
      const kept = join(this.#project, '..', 'kept');
      await rm(kept, { recursive: true, force: true });
      await cp(join(this.#models, 'chain'), kept, { recursive: true });
      await rm(join(this.#models, 'chain'), { recursive: true });
      await delay(this.#chance.below(300));
      await cp(kept, join(this.#models, 'chain'), { recursive: true });
    },
    'moves a folder away and back': async () => {
      const away = join(this.#project, '..', 'away');
      await rename(this.#models, away);
      await delay(this.#chance.below(300));
      await rename(away, this.#models);
    },
    'creates an unreadable file': async () => {
      const path = join(this.#models, 'odd.sql');
      await rm(path, { force: true });
      await this.#chance.of([
        () => symlink('odd.sql', path),
        () => symlink('/nowhere', path),
        () => execFileSync('mkfifo', [path]),
        () => mkdir(path),
      ])();
      await delay(this.#chance.below(500));
      await rm(path, { recursive: true });
    },
    'receives data': () => this.#drop(),
    commits: () => {
      this.#git('add', '-A');
      this.#git('commit', '-qm', `commit ${this.#next()}`);
    },
    'stashes and pops': async () => {
      this.#git('stash', '-q', '-u');
      await delay(this.#chance.of([0, 0, 300]));
      this.#git('stash', 'pop', '-q');
    },
    'creates a branch': () => this.#git('checkout', '-qb', `branch_${this.#next()}`),
    'switches to a branch': () => this.#git('checkout', '-q', '-f', this.#chance.of(this.#branches())),
    rebases: () => {
      this.#git('add', '-A');
      this.#try('commit', '-qm', 'before a rebase');
      this.#git('rebase', '-q', '-X', 'theirs', this.#chance.of(this.#branches()));
    },
    'aborts a rebase': () => this.#try('rebase', '--abort'),
    'discards changes': () => this.#git('checkout', '-q', '--', '.'),
    cleans: () => this.#git('clean', '-fdq'),
    'uses a worktree': async () => {
      const other = join(this.#project, 'other');
      this.#git('worktree', 'add', '-q', '-f', '--detach', other);
      await delay(this.#chance.below(200));
      this.#git('worktree', 'remove', '--force', other);
    },
    'does nothing': () => delay(this.#chance.below(1500)),
  };

  get #models(): string {
    return join(this.#project, 'dbt/models/marts');
  }

  #next(): number {
    this.#n += 1;
    return this.#n;
  }

  #extra(): string {
    return join(this.#models, `extra_${this.#chance.below(4)}.sql`);
  }

  #branches(): string[] {
    return this.#git('branch', '--format=%(refname:short)')
      .split('\n')
      .filter((name) => name !== '' && !name.startsWith('('));
  }

  #try(...args: string[]): void {
    try {
      this.#git(...args);
    } catch {
      // The command may have nothing to do.
    }
  }

  async #save(write: (path: string, text: string) => Promise<unknown>): Promise<void> {
    const i = 1 + this.#chance.below(CHAIN);
    await write(join(this.#project, chainModel(i)), chainSql(i, this.#next()));
  }

  async #drop(): Promise<void> {
    const drop = this.#drops.shift();
    if (drop !== undefined) await cp(drop, join(this.#project, 'data', drop.slice(-10)), { recursive: true });
  }
}

/** Columns, row count and an order-independent hash of every relation that dbt built in a state folder. */
async function contentOf(state: string): Promise<Record<string, string>> {
  const work = await openWork(resolvePaths({ stateDir: state }, {}, '/'));
  try {
    const { rows } = await work.query(`
      select table_schema, table_name, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)
      from information_schema.columns where table_schema not in ('raw', 'information_schema', 'pg_catalog') group by all`);
    const found: Record<string, string> = {};
    for (const [schema, table, columns] of rows) {
      const sums = await work.query(`select count(*), sum(hash(t)::hugeint)::varchar from "${schema}"."${table}" as t`);
      found[`${schema}.${table}`] = `${columns}; ${sums.rows[0]?.join(' ')}`;
    }
    return found;
  } finally {
    await work.close();
  }
}

const verdictSchema = z.array(z.object({ name: z.string(), status: z.string() }));
const reportSchema = z.object({ build: z.object({ models: verdictSchema, tests: verdictSchema }) });

/** Builds everything from scratch. Returns the content of the database, and the failing nodes. */
async function buildFromScratch(project: string, state: string): Promise<{ content: object; failing: string[] }> {
  const { stdout } = await meetup(['dev', '--json', '--state-dir', state], { MEETUP_PROJECT_DIR: project });
  const { build } = reportSchema.parse(JSON.parse(stdout));
  const failing = [...build.models, ...build.tests].filter(({ status }) => status === 'fail').map(({ name }) => name);
  return { content: await contentOf(state), failing: failing.sort() };
}

it.skipIf(!hasItsTurn('random work'))(
  `dev --watch equals a build from scratch after ${SECONDS} s of random work with git and editors (seed ${SEED})`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meetup-stress-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const project = join(folder, 'project');
    const drops = await smallProject(project, join(folder, 'sample'), { days: DROPS });
    const chance = chanceFrom(SEED);
    const developer = new Developer(project, drops, chance);
    const watching = new Watching(project, join(folder, 'state'));
    onTestFinished(() => watching.stop().then(() => undefined));
    await watching.ready;
    const until = performance.now() + SECONDS * 1000;
    while (performance.now() < until) {
      await developer.act();
      await delay(chance.of([0, 5, 50, 200, 800]));
      expect({
        log: developer.log.slice(-20),
        exitCode: watching.child.exitCode,
        stderr: watching.stderr,
      }).toMatchObject({
        exitCode: null,
      });
    }
    await developer.tidyUp();
    await watching.settled(3000, 240_000);
    // A new model certainly starts a build, which includes everything saved before it.
    const { done } = await watching.after(() =>
      writeFile(join(project, 'dbt/models/marts/last.sql'), 'select 1 as last\n'),
    );
    await watching.settled(1500);
    const last: Done = watching.lastDone() ?? done;
    const reported = JSON.stringify(watching.allEvents);
    expect(await watching.stop()).toBe(130);
    const errors = watching.allEvents.filter(({ event, error }) => event === 'done' && error !== undefined);
    const played = developer.log;
    expect({ played, errors }).toEqual({ played, errors: [] });
    expect(reported).not.toMatch(/INTERRUPT|Internal error in meetup|Traceback/);
    expect(watching.stderr).not.toMatch(/uncaught|unhandled|\n\s+at |Traceback/i);
    const scratch = await buildFromScratch(project, join(folder, 'scratch'));
    expect({ played, content: await contentOf(join(folder, 'state')) }).toEqual({ played, content: scratch.content });
    expect({ played, failing: [...last.failing].sort() }).toEqual({ played, failing: scratch.failing });
    expect(existsSync(join(project, 'data')) && readdirSync(join(project, 'data')).length).toBeGreaterThan(DROPS);
    expect(readFileSync(join(project, chainModel(1)), 'utf8')).not.toBe('');
  },
);
