import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as generate } from '../../src/commands/generate.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { load } from '../../src/ingest/load.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { copyProject } from '../support/project-copy.ts';
import { hasItsTurn, sampled } from '../support/sampled.ts';

vi.setConfig({ testTimeout: 400_000 });

const effects = quietEffects({ env: { PATH: process.env.PATH } });
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup', 'toolchain');

/** A small random generator whose seed reproduces a sequence of edits. */
function chanceOf(seed: number): <T>(of: readonly T[]) => T {
  let state = seed;
  return (of) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const chosen = of[Math.floor((state / 2 ** 32) * of.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  };
}

/** Edits the project, and remembers its original files and the drops that have not arrived yet. */
class Editor {
  readonly project: string;
  readonly #drops: string[];
  readonly #original = new Map<string, string>();
  count = 0;

  constructor(project: string, drops: readonly string[]) {
    this.project = project;
    this.#drops = [...drops];
  }

  async change(file: string, change: (text: string) => string): Promise<string[]> {
    const path = join(this.project, file);
    const before = readFileSync(path, 'utf8');
    if (!this.#original.has(path)) this.#original.set(path, before);
    const after = change(before);
    return this.write(path, after);
  }

  async write(path: string, text: string): Promise<string[]> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
    return [path];
  }

  /** Restores all original files in one batch, like a git checkout. The data stays. */
  async checkout(): Promise<string[]> {
    const files = [...this.#original.keys()];
    for (const [path, text] of this.#original) await this.write(path, text);
    return files;
  }

  async nextDrop(): Promise<void> {
    const drop = this.#drops.shift();
    if (drop !== undefined)
      await cp(drop, join(this.project, 'data', drop.split('/').at(-1) ?? ''), { recursive: true });
  }
}

const organisers = 'dbt/models/marts/organisers';

/** Kinds of edits. The project's tests pass after each of them. */
const edits: Record<string, (editor: Editor, n: number) => Promise<string[]>> = {
  comment: (editor, n) => editor.change('dbt/models/marts/core/fct_rsvps.sql', (text) => `-- edit ${n}\n${text}`),
  leaf: (editor, n) =>
    editor.change(`${organisers}/time_slots.sql`, (text) => text.replace(/(\nwhere .*)?\n$/, `\nwhere ${n} = ${n}\n`)),
  sameContent: (editor, n) =>
    editor.change('dbt/models/marts/core/dim_topics.sql', (text) =>
      text.replace(/(\nlimit \d+)?\n$/, `\nlimit ${1_000_000 + n}\n`),
    ),
  staging: (editor, n) =>
    editor.change('dbt/models/staging/stg_meetup__venues.sql', (text) =>
      text.replace(/\n {8}.*city.*,\n/, `\n        concat(city, ' ${n}') as city,\n`),
    ),
  incremental: (editor, n) =>
    editor.change('dbt/models/marts/core/fct_memberships.sql', (text) =>
      text.replace(/membership_count > 0( \+ 0 \* \d+)?/, `membership_count > 0 + 0 * ${n}`),
    ),
  macro: (editor, n) =>
    editor.change('dbt/macros/rules/numbers.sql', (text) =>
      text.replace(/nullif\(\{\{ denominator \}\}, [^)]*\)/, `nullif({{ denominator }}, 0 * ${n})`),
    ),
  activeDays: (editor, n) =>
    editor.change('dbt/dbt_project.yml', (text) => text.replace(/active_days: \d+/, `active_days: ${100 + 10 * n}`)),
  lapsedDays: (editor, n) =>
    editor.change('dbt/dbt_project.yml', (text) => text.replace(/lapsed_days: \d+/, `lapsed_days: ${50 + 10 * n}`)),
  description: (editor, n) =>
    editor.change(`${organisers}/_organisers__models.yml`, (text) =>
      text.replace(/One row per local weekday and hour( \(\d+\))?/, `One row per local weekday and hour (${n})`),
    ),
  newModel: (editor, n) =>
    editor.write(
      join(editor.project, organisers, `extra_${n}.sql`),
      `{{ config(contract={'enforced': false}) }}\nselect local_hour, ${n} as n from {{ ref('time_slots') }}\n`,
    ),
  removeModel: async (editor) => {
    const folder = join(editor.project, organisers);
    const [extra] = (await readdir(folder)).filter((name) => name.startsWith('extra_'));
    if (extra === undefined) return [];
    await rm(join(folder, extra));
    return [join(folder, extra)];
  },
  drop: async (editor) => {
    await editor.nextDrop();
    return [];
  },
  checkout: (editor) => editor.checkout(),
};

/** Columns that depend on when a batch was loaded. */
const LOAD_TIMES = ['_loaded_at', 'loaded_at', 'believable_until', 'days_behind_load'];

/** Columns, row count and an order-independent hash of every relation, except snapshots, which depend on when builds ran. */
async function contentOf(paths: Paths): Promise<Record<string, string>> {
  const work = await openWork(paths);
  try {
    const { rows } = await work.query(`
      select table_schema, table_name, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)
      from information_schema.columns where table_schema in ('staging', 'intermediate', 'marts') group by all`);
    const found: Record<string, string> = {};
    for (const [schema, table, columns] of rows) {
      // The databases were loaded at different times, which some columns depend on.
      const own = LOAD_TIMES.filter((name) => ` ${columns}`.includes(` ${name} `));
      const but = own.length > 0 ? `exclude (${own.join(', ')})` : '';
      const { rows: sums } = await work.query(
        `select count(*), sum(hash(t)::hugeint)::varchar from (select * ${but} from ${schema}.${table}) as t`,
      );
      found[`${schema}.${table}`] = `${columns}; ${sums[0]?.join(' ')}`;
    }
    return found;
  } finally {
    await work.close();
  }
}

let folderForAll: string;
let sample: string;
beforeAll(async () => {
  folderForAll = await mkdtemp(join(tmpdir(), 'meetup-equivalence-'));
  sample = join(folderForAll, 'sample');
  await generate({ out: sample, scale: 0.01, seed: 7, days: 3 }, effects);
});

afterAll(() => rm(folderForAll, { recursive: true, force: true }));

describe.skipIf(!hasItsTurn('random edits'))('after any sequence of edits', () => {
  it.each(sampled([11, 12], 1))('the database equals one built from scratch (seed %i)', async (seed) => {
    const folder = await temporaryFolder();
    const project = join(folder, 'project');
    await copyProject(project);
    // Fixtures test rules that some of the edits change.
    await rm(join(project, 'fixtures/models'), { recursive: true });
    await mkdir(join(project, 'fixtures/models'));
    const names = (await readdir(sample)).filter((name) => name !== 'schemas').sort();
    const dated = names.filter((name) => /^\d{4}-/.test(name)).map((name) => join(sample, name));
    for (const name of names.filter((name) => !/^\d{4}-/.test(name)))
      await cp(join(sample, name), join(project, 'data', name));
    const env = { MEETUP_PROJECT_DIR: project, MEETUP_TOOLCHAIN_DIR: toolchain };
    const paths = resolvePaths({ stateDir: join(folder, 'edited') }, env, folder);
    const editor = new Editor(project, dated);
    const choose = chanceOf(seed);
    const played: string[] = [];
    const engine = new EngineClient(paths, effects);
    try {
      await load({ paths, maxRejected: 1, publishes: false }, effects);
      expect((await engine.affected({ target: 'dev' })).status).toBe('pass');
      for (let batch = 1; batch <= 12; batch += 1) {
        const files: string[] = [];
        for (let left = choose([1, 1, 1, 2, 3]); left > 0; left -= 1) {
          const kind = choose(Object.keys(edits));
          editor.count += 1;
          played.push(kind);
          files.push(...((await edits[kind]?.(editor, editor.count)) ?? []));
        }
        await load({ paths, maxRejected: 1, publishes: false }, effects);
        const answer = await engine.affected({ target: 'dev', files });
        expect({ played, failing: answer.failing, status: answer.status }).toEqual({
          played,
          failing: [],
          status: 'pass',
        });
      }
      const scratch = resolvePaths({ stateDir: join(folder, 'scratch') }, env, folder);
      await load({ paths: scratch, maxRejected: 1, publishes: false }, effects);
      const fresh = new EngineClient(scratch, effects);
      await fresh.build({ target: 'dev', resourceTypes: ['model', 'seed'] }).finally(() => fresh.close());
      expect({ played, ...(await contentOf(paths)) }).toEqual({ played, ...(await contentOf(scratch)) });
    } finally {
      await engine.close();
    }
  });
});
