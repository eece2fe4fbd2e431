import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveBase } from '../../src/ci/base.ts';
import { BaseCheckout } from '../../src/ci/base-project.ts';
import { type ContractsOutcome, compareContracts } from '../../src/ci/contracts.ts';
import type { ContractsPart } from '../../src/ci/report.ts';
import { ciFailures } from '../../src/ci/words.ts';
import { run } from '../../src/commands/ci.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { gitIn } from '../support/git.ts';
import { hasItsTurn } from '../support/sampled.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const files: Readonly<Record<string, string>> = {
  'seeds/orders.csv': 'id,cents,status,city\n1,100,paid,Berlin\n',
  'models/stg_orders.sql': "select id, cents / 100 as amount, status, city from {{ ref('orders') }}\n",
  'models/sales.sql': "select id, amount, city, status as state, amount * 2 as doubled from {{ ref('stg_orders') }}\n",
  'models/cities.sql': "select city, count(*) as orders, sum(amount) as amount from {{ ref('sales') }} group by city\n",
  'models/gone.sql': "select 1 as id from {{ ref('stg_orders') }}\n",
  'models/more.yml': `
models:
  - {name: sales, access: public}
  - {name: cities, access: public}
  - {name: gone, access: public}
exposures:
  - {name: board, type: dashboard, owner: {name: Sales}, depends_on: [ref('sales')]}
`,
  'models/days.sql': "select cast('2026-01-01' as date) as day_on\n",
  'models/metrics.yml': `
models:
  - name: days
    time_spine: {standard_granularity_column: day_on}
    columns: [{name: day_on, granularity: day}]
semantic_models:
  - name: sales
    model: ref('sales')
    defaults: {agg_time_dimension: sold_on}
    primary_entity: sale
    dimensions:
      - {name: sold_on, type: time, expr: current_date, type_params: {time_granularity: day}}
    measures:
      - {name: revenue, agg: sum, expr: amount}
      - {name: twice, agg: sum, expr: doubled}
metrics:
  - {name: revenue, label: Revenue, type: simple, type_params: {measure: revenue}}
  - {name: twice, label: Twice, type: simple, type_params: {measure: twice}}
`,
};

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-contracts-'));
  project = await tinyProject(folder, { raw: false });
  engine = new EngineClient(project.paths, quietEffects({ env: process.env }));
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  await mkdir(join(folder, 'queries'));
  await writeFile(join(folder, 'queries/top.sql'), 'select city, doubled from sales order by doubled desc limit 3\n');
  await writeFile(join(folder, 'queries/all.sql'), 'select count(*) from sales\n');
  await writeFile(join(folder, '.gitignore'), 'state/\n');
  gitIn(folder)('init', '--quiet', '--initial-branch=main');
  gitIn(folder)('add', '.');
  gitIn(folder)('commit', '--quiet', '-m', 'base');
});
afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Changes files of the base; undefined removes a file. */
async function change(changes: Readonly<Record<string, string | undefined>>): Promise<void> {
  gitIn(folder)('checkout', '--quiet', '.');
  for (const [path, text] of Object.entries(changes)) {
    await (text === undefined ? project.remove(path) : project.write(path, text));
  }
}

/** What differs from the base with these changes. */
async function compared(changes: Readonly<Record<string, string | undefined>>): Promise<ContractsOutcome> {
  await change(changes);
  const checkout = new BaseCheckout(project.paths);
  try {
    return await compareContracts(engine, project.paths, await resolveBase(folder, 'main'), checkout);
  } finally {
    await checkout.remove();
  }
}

/** The part of `ci` in the current state of the project. */
async function partOfCi(acceptBreak?: string): Promise<{ part: ContractsPart; exitCode: number }> {
  const options = { paths: project.paths, base: 'main', only: 'contracts', acceptBreak };
  const { report, exitCode } = await run(options, quietEffects({ env: process.env }));
  const found = report.parts.find((one): one is ContractsPart => one.name === 'contracts');
  if (found === undefined) throw new Error('There is no part');
  return { part: found, exitCode };
}

describe.skipIf(!hasItsTurn('contracts'))('ci --only contracts', () => {
  it('finds that another layout, a comment and a new column break and alter nothing that was there', async () => {
    const outcome = await compared({
      'models/sales.sql': `-- who buys what\nselect id, amount, city, status as state,
        amount * 2 as doubled, upper(city) as loud\nfrom {{ ref('stg_orders') }}\n`,
    });
    expect(outcome).toMatchObject({
      breaks: [],
      altered: [{ name: 'sales', columns: ['loud'], rows: false }],
    });
  });

  it('names only the columns that a changed expression can alter', async () => {
    const outcome = await compared({
      'models/stg_orders.sql': "select id, cents / 1000 as amount, status, city from {{ ref('orders') }}\n",
    });
    expect(outcome.altered.map(({ name, columns, rows }) => [name, rows, ...columns])).toEqual([
      ['cities', false, 'amount'],
      ['sales', false, 'amount', 'doubled'],
    ]);
  });

  it('takes another materialization and another seed as changes of rows', async () => {
    const outcome = await compared({
      'seeds/orders.csv': 'id,cents,status,city\n1,100,paid,Berlin\n2,100,paid,Berlin\n',
      'models/cities.sql': `{{ config(materialized='view') }} ${files['models/cities.sql']}`,
    });
    expect(outcome.altered.map(({ name, rows }) => [name, rows])).toEqual([
      ['cities', true],
      ['gone', true],
      ['sales', true],
    ]);
  });

  it('fails for dropped, renamed and retyped columns and removed models, and names who reads them', async () => {
    await change({
      'models/sales.sql':
        "select id, amount, city as town, cast(status as int) as state from {{ ref('stg_orders') }}\n",
      'models/metrics.yml': undefined,
      'models/cities.sql':
        "select town as city, count(*) as orders, sum(amount) as amount from {{ ref('sales') }} group by town\n",
      'models/gone.sql': undefined,
      'models/more.yml': files['models/more.yml']?.replace('  - {name: gone, access: public}\n', ''),
    });
    const { part, exitCode } = await partOfCi();
    expect(exitCode).toBe(1);
    expect(part.breaks.map(({ model, column, what, detail }) => [model, column, what, detail])).toEqual([
      ['sales', 'city', 'renamed', 'to town'],
      ['sales', 'state', 'retyped', 'from text to int'],
      ['sales', 'doubled', 'dropped', undefined],
      ['gone', undefined, 'removed', undefined],
    ]);
    const [city, state, doubled] = part.breaks;
    expect(city?.models).toEqual(['cities']);
    expect(city?.readers.map(({ name }) => name)).toEqual(['board', 'queries/top.sql']);
    expect(state?.readers.map(({ name }) => name)).toEqual(['board']);
    expect(doubled?.readers).toContainEqual({ kind: 'metric', name: 'twice' });
    expect(doubled?.readers).not.toContainEqual({ kind: 'metric', name: 'revenue' });
    expect(ciFailures(part)[2]?.text).toContain('metric twice');
    expect(ciFailures(part)[0]).toEqual({
      title: 'sales.city was renamed to town',
      text: 'sales.city was renamed to town. Read by cities, board (Sales), queries/top.sql.\nKeep it, make a new version of the model, or pass --accept-break with the reason.',
    });
  });

  it('passes with --accept-break, and says why', async () => {
    await change({ 'models/cities.sql': "select city, count(*) as orders from {{ ref('sales') }} group by city\n" });
    const { part, exitCode } = await partOfCi('nobody uses it');
    expect(part).toMatchObject({ status: 'pass', accepted: 'nobody uses it', breaks: [{ column: 'amount' }] });
    expect(exitCode).toBe(0);
  });

  it('skips without a base', async () => {
    const options = { paths: project.paths, base: 'none', only: 'contracts' };
    const { report } = await run(options, quietEffects({ env: process.env }));
    expect(report.parts[0]).toMatchObject({ status: 'skip' });
  });
});
