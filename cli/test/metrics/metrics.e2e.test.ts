import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ask, list, writeViews } from '../../src/commands/metrics.ts';
import { run as query } from '../../src/commands/query.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { scriptOf } from '../../src/dashboard/data/page-data.ts';
import { Publication } from '../../src/dashboard/data/publication.ts';
import { metricsOf } from '../../src/dashboard/page/component.ts';
import { readPages } from '../../src/dashboard/page/read-pages.ts';
import type { Page } from '../../src/dashboard/page/types.ts';
import type { InputValues, Value } from '../../src/dashboard/shared/types.ts';
import { EngineClient } from '../../src/engine/client.ts';
import type { MetricsAnswer } from '../../src/engine/protocol.ts';
import type { MetricView } from '../../src/metrics/metric-views.ts';
import type { QueryResult } from '../../src/warehouse/warehouse.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { meetup } from '../support/meetup.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { type Case, cases } from './cases.ts';
import { viewIn } from './view-in.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('metrics'));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 600_000 });

/*
 * The metrics of this repository, on the marts that `./meetup dev` built from the sample.
 */
const paths = resolvePaths({}, process.env, projectRoot);
const noMarts = existsSync(paths.database) ? undefined : 'There are no marts yet: run `./meetup dev` first.';
if (noMarts !== undefined) process.stderr.write(`Skipped: ${noMarts}\n`);

const effects = quietEffects({ env: process.env });
let engine: EngineClient;
let project: MetricsAnswer;
let publication: Publication;
let pages: readonly Page[];
const inputs = new Map<string, InputValues>();
/** By metric. */
const statements = new Map<string, string>();

const answersSchema = z.array(z.object({ kind: z.literal('sql'), sql: z.string() }));

beforeAll(async () => {
  if (noMarts !== undefined) return;
  // Through the launcher, which installs MetricFlow if it is missing.
  expect(await meetup(['metrics', 'groups', '--json'])).toMatchObject({ exitCode: 0 });
  // Shared with the commands below, so that dbt starts once.
  engine = new EngineClient(paths, effects, { shared: true });
  project = await engine.metrics();
  publication = await Publication.open(paths);
  pages = await readPages(join(projectRoot, 'dashboard'));
  for (const page of pages) {
    const script = await scriptOf(page, publication, 'live');
    inputs.set(page.id, Object.fromEntries(script.inputs.map(({ name, initial }) => [name, initial])));
  }
  const questions = cases.map(({ metric, by, where }) => ({
    definitions: project.definitions,
    metrics: [metric],
    by,
    where: where === undefined ? [] : [ofGroup(where)],
    limit: null,
  }));
  const program = join(projectRoot, 'cli/test/metrics/sql_of_all.py');
  const { stdout } = await execa(paths.metricsPython, [program, join(projectRoot, 'cli/src/metrics/python')], {
    input: JSON.stringify(questions),
  });
  answersSchema.parse(JSON.parse(stdout)).forEach(({ sql }, i) => {
    statements.set(cases[i]?.metric ?? '', sql);
  });
});
afterAll(async () => {
  await publication?.retire();
  await engine?.close();
});

const ofGroup = (text: string): string => text.replaceAll('GROUP', String(inputs.get('organiser')?.group));

/** Values by their dimensions. Days and months are dates; halves of seats and shares are compared to nine digits. */
type Values = Map<string, number | null>;

const keyOf = (cells: readonly Value[]): string =>
  cells.map((cell) => (typeof cell === 'string' ? cell.replace(/T00:00:00(\.000)?Z?$/, '') : String(cell))).join('|');

const numberOf = (cell: Value | undefined): number | null =>
  cell === null || cell === undefined ? null : Number(Number(cell).toPrecision(9));

const valuesOf = ({ rows }: QueryResult): Values =>
  new Map(rows.map((row) => [keyOf(row.slice(0, -1)), numberOf(row.at(-1))]));

async function asked(sql: string): Promise<Values> {
  const { report } = await query({ paths, sql }, effects);
  if (report[0] === undefined) throw new Error('There is no result');
  return valuesOf(report[0]);
}

async function onPage({ shown }: Case): Promise<Values> {
  const page = pages.find(({ id }) => id === shown.page);
  const spec = page?.queries.find(({ name }) => name === shown.query);
  if (spec === undefined) throw new Error(`There is no query ${shown.query} on the page ${shown.page}`);
  const outcome = await publication.run(spec, inputs.get(shown.page) ?? {});
  if ('error' in outcome) throw new Error(outcome.error);
  const at = (name: string): number => outcome.columns.findIndex((column) => column.name === name);
  const wanted = Object.entries(shown.rows ?? {});
  const rows = outcome.rows.filter((row) => wanted.every(([name, value]) => row[at(name)] === value));
  return new Map(
    rows.map((row) => [keyOf(shown.by.map((name) => row[at(name)] ?? null)), numberOf(row[at(shown.value)])]),
  );
}

describe.skipIf(noMarts !== undefined || !hasItsTurn('metrics'))('on the real marts, the metric', () => {
  it.each(cases)('$metric is the same in the mart, in MetricFlow and on the page', async (one) => {
    const mart = await asked(ofGroup(one.sql));
    const page = await onPage(one);
    expect(await asked(statements.get(one.metric) ?? '')).toEqual(mart);
    expect(page.size).toBeGreaterThan(0);
    expect(page).toEqual(
      one.shown.isPart === true ? new Map([...page.keys()].map((key) => [key, mart.get(key)])) : mart,
    );
  });

  it('is in this test whichever it is, and named by the figure that shows it', () => {
    expect(cases.map(({ metric }) => metric).sort()).toEqual(project.metrics.map(({ name }) => name).sort());
    for (const { metric, shown } of cases) {
      const figures = pages.find(({ id }) => id === shown.page)?.blocks ?? [];
      const named = figures.flatMap((block) =>
        block.block === 'component' && block.component.query === shown.query ? metricsOf(block.component) : [],
      );
      expect(named).toContain(metric);
    }
  });

  it('active_members of several groups is their reach, as the sponsors read it', async () => {
    const spec = pages.find(({ id }) => id === 'sponsor')?.queries.find(({ name }) => name === 'trios');
    const outcome = spec && (await publication.run(spec, inputs.get('sponsor') ?? {}));
    if (outcome === undefined || 'error' in outcome) throw new Error('There is no result');
    const row = outcome.rows[0] ?? [];
    const cell = (name: string): Value => row[outcome.columns.findIndex((column) => column.name === name)] ?? null;
    const groups = ['first_id', 'second_id', 'third_id'].map(cell).join(', ');
    const where = [`{{ Entity('group_id') }} in (${groups})`];
    const question = { metrics: ['active_members'], by: [], where, limit: undefined };
    const { report } = await ask({ ...question, paths, sqlOnly: false }, effects);
    expect(report.result?.rows).toEqual([[cell('different_people')]]);
  });
});

describe.skipIf(noMarts !== undefined || !hasItsTurn('metrics'))('mf query', () => {
  it('gives the values of meetup metrics', async () => {
    const folder = await temporaryFolder();
    const outputs = { dev: { type: 'duckdb', path: paths.database, config_options: { access_mode: 'READ_ONLY' } } };
    await mkdir(join(folder, 'target'));
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'profiles.yml'), JSON.stringify({ meetup: { target: 'dev', outputs } }));
    await writeFile(join(folder, 'dbt_project.yml'), 'name: asks\nversion: 1.0.0\nprofile: meetup\n');
    await writeFile(join(folder, 'target/semantic_manifest.json'), project.definitions);
    const mf = join(paths.metricsPython, '..', process.platform === 'win32' ? 'mf.exe' : 'mf');
    const question = ['--metrics', 'yes_share', '--group-by', 'metric_time__year'];
    const csv = join(folder, 'answer.csv');
    await execa(mf, ['query', '--quiet', ...question, '--csv', csv], {
      cwd: folder,
      env: {
        HOME: join(folder, 'home'),
        TMPDIR: folder,
        DBT_PROFILES_DIR: folder,
        DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
      },
    });
    const [, ...lines] = (await readFile(csv, 'utf8')).trim().split(/\r?\n/);
    const given = new Map(
      lines.map((line): [string, number | null] => {
        const [year = '', share] = line.split(',');
        return [year.slice(0, 10), numberOf(share === '' ? null : share)];
      }),
    );
    const { report } = await ask(
      { metrics: ['yes_share'], by: ['metric_time__year'], where: [], limit: undefined, paths, sqlOnly: false },
      effects,
    );
    expect(given.size).toBeGreaterThan(5);
    expect(report.result && valuesOf(report.result)).toEqual(given);
  });
});

describe.skipIf(noMarts !== undefined || !hasItsTurn('metrics'))("Databricks' metric views", () => {
  let views: readonly MetricView[] = [];

  it('have the right form, and a measure for each metric', async () => {
    const out = await temporaryFolder();
    const { report } = await writeViews({ paths, out, catalog: 'main' }, effects);
    expect(report.leftOut).toEqual([]);
    const schema = JSON.parse(await readFile(new URL('metric-view.schema.json', import.meta.url), 'utf8'));
    const isValid = new Ajv2020({ allErrors: true }).compile<MetricView>(schema);
    const texts = await Promise.all(report.files.map((file) => readFile(file, 'utf8')));
    views = texts.map(viewIn).filter((view): view is MetricView => {
      expect({ view, valid: isValid(view), errors: isValid.errors }).toMatchObject({ valid: true });
      return isValid(view);
    });
    const names = views.flatMap(({ measures }) => measures.map(({ name }) => name));
    expect(names.sort()).toEqual(project.metrics.map(({ name }) => name).sort());
  });

  // MetricFlow's own SQL is for DuckDB; these expressions are standard enough to run there too.
  it.each(cases.filter(({ by, metric }) => by.length === 0 && metric !== 'yes_share'))(
    'compute $metric to the same number',
    async ({ metric, sql, where }) => {
      const view = views.find(({ measures }) => measures.some(({ name }) => name === metric));
      const expression = view?.measures.find(({ name }) => name === metric)?.expr;
      const rows = where === undefined ? '' : ' where group_id = GROUP';
      const source = view?.source.replace('main.', '');
      expect(await asked(ofGroup(`select ${expression} from ${source}${rows}`))).toEqual(await asked(ofGroup(sql)));
    },
  );
});

describeInTurn('meetup metrics', () => {
  it('says in one sentence that a project defines none', async () => {
    const bare = await bareProject();
    await expect(list({ paths: bare }, effects)).rejects.toThrow(/^The dbt project in .* defines no metrics: write/);
  });

  it.skipIf(noMarts !== undefined)('says which name or filter is wrong, and what there is', async () => {
    const question = { by: [], where: [], limit: undefined, paths, sqlOnly: true };
    const asking = (change: Partial<Parameters<typeof ask>[0]>) =>
      ask({ metrics: ['events_held'], ...question, ...change }, effects);
    await expect(asking({ metrics: ['event_held'] })).rejects.toThrow(
      /^There is no metric 'event_held'; there is .*events_held/,
    );
    await expect(asking({ by: ['group_id__ciy'] })).rejects.toThrow(
      /^events_held can't be grouped by 'group_id__ciy'; there is .*group_id__city/,
    );
    await expect(asking({ where: ["{{ Dimension('group_id__ciy') }} = 1"] })).rejects.toThrow(
      /^events_held can't be filtered by Dimension\('group_id__ciy'\); there is .*group_id__city/,
    );
    await expect(asking({ where: ["{{ Dimension('group_id__city' }} = 1"] })).rejects.toThrow(
      "MetricFlow can't answer this: the filter is not a template that it can read: unexpected '}', expected ')'.",
    );
  });
});

/** A dbt project without anything in it. */
async function bareProject(): Promise<Paths> {
  const root = await temporaryFolder();
  const toolchain = paths.toolchain;
  await writeFile(join(root, 'dbt_project.yml'), 'name: bare\nversion: 1.0.0\nprofile: bare\n');
  const path = "{{ env_var('MEETUP_DUCKDB_PATH') }}";
  const profiles = { bare: { target: 'dev', outputs: { dev: { type: 'duckdb', path, threads: 1 } } } };
  await writeFile(join(root, 'profiles.yml'), JSON.stringify(profiles));
  return resolvePaths({}, { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: root }, root);
}
