import { appendFile, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { gitIn } from '../support/git.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { Watching } from '../support/watching.ts';
import { type Installed, installed, type Ran } from './installed.ts';

/** Three dbt projects that look nothing like this repository's, with the package that npm installs. */
let meetup: Installed;
beforeAll(async () => {
  meetup = await installed();
}, 240_000);
afterAll(() => meetup.remove());

const reportSchema = z.looseObject({ status: z.string() });
const reportOf = ({ stdout, stderr }: Ran) => {
  expect(stdout, stderr).toMatch(/^[[{]/);
  return reportSchema.parse(JSON.parse(stdout));
};
const names = (list: unknown): string[] =>
  z
    .array(z.looseObject({ name: z.string() }))
    .parse(list)
    .map(({ name }) => name)
    .sort();

const TIMEOUT = { timeout: 300_000 };

describe.skipIf(!hasItsTurn('seeds only'))('a project of seeds only, without meetup.yml', TIMEOUT, () => {
  let bakery: string;
  beforeAll(async () => {
    bakery = await meetup.project('bakery');
  });

  it('is built from any folder in it, with hooks and snapshots, without models that are disabled here', async () => {
    const report = reportOf(await meetup.run(join(bakery, 'models'), 'dev', '--json'));
    expect(report.status).toBe('pass');
    const { build } = z.object({ build: z.looseObject({ models: z.unknown() }) }).parse(report);
    expect(names(build.models)).toEqual(['breads', 'customers', 'prices', 'prices_history', 'revenue', 'sales']);
  });

  it('is queried without naming its schema', async () => {
    const { stdout } = await meetup.run(bakery, 'query', '--json', 'select bread from revenue order by revenue desc');
    expect(JSON.parse(stdout)).toEqual([{ bread: 'Rye' }, { bread: 'Focaccia' }, { bread: 'Brioche' }]);
  });

  it('gets a unit test from its data, without the names in it, where dbt reads it', async () => {
    const made = await meetup.run(bakery, 'test', 'new', 'customers', '--json');
    expect(made.stderr).toBe('');
    const text = await readFile(join(bakery, 'models/unit_tests/customers/from_local_data.yml'), 'utf8');
    expect(text).not.toMatch(/Maria|Lopez|Vries|Smit/);
    const { tests } = z
      .looseObject({ tests: z.array(z.unknown()) })
      .parse(reportOf(await meetup.run(bakery, 'test', '--json')));
    expect(tests).toMatchObject([
      { name: expect.stringContaining('from_local_data'), status: 'pass' },
      { name: expect.stringContaining('revenue_multiplies_pieces_by_price'), status: 'pass' },
    ]);
  });

  it('is changed step by step, and its coverage is known', async () => {
    const mutated = reportOf(await meetup.run(bakery, 'test', '--mutate', '--select', 'revenue', '--json'));
    expect(mutated).toMatchObject({ models: [{ name: 'revenue', fixtures: 1 }] });
    const covered = reportOf(await meetup.run(bakery, 'test', '--coverage', '--select', 'revenue', '--json'));
    expect(covered).toMatchObject({ models: [{ model: 'revenue', branches: 2 }] });
  });

  it('is rebuilt on each save', async () => {
    const watch = new Watching(bakery, join(bakery, '.meetup'), [], meetup.bin);
    try {
      await watch.ready;
      const { done } = await watch.save('data/prices.csv', (text) => `${text}4,9.99\n`);
      expect(done.status).toBe('pass');
      expect([...done.built].sort()).toEqual(['prices', 'prices_history', 'revenue']);
    } finally {
      await watch.stop();
    }
  });

  it('gets nothing but what was asked for: no sample, and a state folder that git ignores', async () => {
    expect(await readdir(join(bakery, 'data'))).toEqual(['breads.csv', 'prices.csv', 'sales.csv']);
    const changed = gitIn(bakery)('status', '--short').split('\n').filter(Boolean);
    expect(changed).toEqual([' M data/prices.csv', '?? models/unit_tests/']);
    const refused = await meetup.run(bakery, 'generate');
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("The sample is Meetup data, which doesn't belong"),
    });
  });
});

describe.skipIf(!hasItsTurn('own folders'))(
  "a project with its own folders and schemas, and models in Databricks' dialect",
  TIMEOUT,
  () => {
    let shop: string;
    beforeAll(async () => {
      shop = await meetup.project('shop');
    });

    it('is checked as CI does, on a machine that has built nothing yet', async () => {
      const { exitCode, stdout } = await meetup.run(shop, 'ci', '--base', 'HEAD', '--json');
      const { parts } = z.looseObject({ parts: z.array(z.unknown()) }).parse(JSON.parse(stdout));
      expect(parts).toMatchObject([
        { name: 'fixtures', status: 'pass', passed: 2 },
        { name: 'scenarios', status: 'skip' },
        { name: 'lint', status: 'skip' },
        { name: 'checks', status: 'pass' },
        { name: 'contracts', status: 'pass' },
        { name: 'build', status: 'pass' },
        { name: 'freshness', status: 'skip' },
      ]);
      expect(exitCode).toBe(0);
    });

    it('is built without what only Databricks can run, and says so', async () => {
      const { exitCode, stdout } = await meetup.run(shop, 'build');
      expect(stdout).toContain(
        'Not built on this target: order_words (it is written for databricks), word_counts (it reads order_words)',
      );
      expect(exitCode).toBe(0);
    });

    it('shows what meetup.yml says at the end of dev', async () => {
      const { stdout } = await meetup.run(shop, 'dev');
      expect(stdout).toMatch(
        /Revenue from reports\/revenue\.sql\nmonth +revenue +currency\n[─ ]+\n2026-01-01 +20\.?0* +EUR/,
      );
      const again = await meetup.run(shop, 'dev');
      expect(again.stdout).toContain('Nothing changed since the last build');
    });

    it('is watched with the settings that meetup.yml says now', async () => {
      const watch = new Watching(shop, join(shop, '.meetup'), [], meetup.bin);
      const settings = join(shop, 'meetup.yml');
      const before = await readFile(settings, 'utf8');
      const readies = () => watch.allEvents.filter(({ event }) => event === 'ready').length;
      try {
        await watch.ready;
        await writeFile(settings, before.replace('public: [shop_finance]', 'publik: [shop_finance]'));
        await vi.waitFor(
          () => expect(watch.stderr).toContain('Until it is corrected, the previous settings apply.'),
          60_000,
        );
        expect(watch.stderr).toMatch(/meetup\.yml:5: /);
        expect(readies()).toBe(1);
        await cp(join(shop, 'etl'), join(shop, 'moved'), { recursive: true });
        await writeFile(settings, before.replaceAll(/\betl\b/g, 'moved'));
        await vi.waitFor(() => expect(readies()).toBe(2), 60_000);
        const { done } = await watch.save('moved/transform/finance/loyal.sql', (sql) => sql.replace('> 5', '> 2'));
        expect(done).toMatchObject({
          status: 'fail',
          failing: ['loyal_customers_have_more_than_five_points'],
        });
        await rm(join(shop, 'moved'), { recursive: true });
      } finally {
        await writeFile(settings, before);
        await watch.stop();
      }
    });

    it('has its versions of a model listed one by one', async () => {
      const built = reportOf(await meetup.run(shop, 'build', '--select', 'customers', '--json'));
      const named = (name: string) => expect.objectContaining({ name });
      expect(built).toMatchObject({ models: expect.arrayContaining([named('customers.v1'), named('customers.v2')]) });
      const covered = await meetup.run(shop, 'test', '--coverage', '--select', 'customers');
      expect(covered.stdout).toContain('customers.v1');
      expect(covered.stdout).toContain('customers.v2');
    });

    it('gets unit tests of versions of a model, and a sentence for a model that DuckDB cannot run', async () => {
      const latest = await meetup.run(shop, 'test', 'new', 'customers');
      expect(latest.stdout, latest.stderr).toContain('customers/from_local_data.yml');
      const first = await meetup.run(shop, 'test', 'new', 'customers_v1');
      expect(first.stdout, first.stderr).toContain('customers/from_local_data_2.yml');
      const folder = join(shop, 'etl/transform/tests/customers');
      expect(await readFile(join(folder, 'from_local_data.yml'), 'utf8')).toContain('versions:\n      include: [2]\n');
      expect(await readFile(join(folder, 'from_local_data_2.yml'), 'utf8')).toContain(
        'versions:\n      include: [1]\n',
      );
      expect(await meetup.run(shop, 'test', 'new', 'customers.v9')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('There is no model customers.v9 in the dbt project'),
      });
      expect(await meetup.run(shop, 'test', 'new', 'order_words')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("DuckDB can't run order_words: it is written for databricks"),
      });
    });

    it('is refused by name if it has a Python model or a microbatch model, before anything is built', async () => {
      const model = join(shop, 'etl/transform/finance/forecast.py');
      await writeFile(model, "def model(dbt, session):\n    return dbt.ref('revenue')\n");
      for (const command of [['build'], ['dev'], ['test'], ['deploy', '--target', 'rehearsal', '--plan']]) {
        expect(await meetup.run(shop, ...command), command[0]).toMatchObject({
          exitCode: 2,
          stderr: expect.stringContaining(
            "transform/finance/forecast.py: The model forecast is a Python model, which meetup can't run",
          ),
        });
      }
      await rm(model);
      const log = join(shop, 'etl/transform/finance/order_log.sql');
      const sql = await readFile(log, 'utf8');
      const microbatch =
        "materialized='incremental', incremental_strategy='microbatch', event_time='ordered_on', begin='2026-01-01', batch_size='day'";
      await writeFile(log, sql.replace("materialized='incremental', unique_key='order_id'", microbatch));
      expect(await meetup.run(shop, 'build')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('The model order_log has the incremental strategy microbatch'),
      });
    });
  },
);

describe.skipIf(!hasItsTurn('vendored packages'))('a project with vendored packages', TIMEOUT, () => {
  it('is built and tested with the macros, generic tests and models of its packages', async () => {
    const clinic = await meetup.project('clinic');
    const report = reportOf(await meetup.run(clinic, 'dev', '--json'));
    expect(report.status).toBe('pass');
    const { build } = z.object({ build: z.looseObject({ models: z.unknown(), tests: z.unknown() }) }).parse(report);
    expect(names(build.models)).toEqual(['calendar_days', 'visits', 'visits_by_day', 'visits_snapshot']);
    expect(names(build.tests)).toContain('a_day_without_visits_counts_none');
    await appendFile(join(clinic, 'models/visits_by_day.sql'), '-- nothing new\n');
    await writeFile(
      join(clinic, 'models/long_days.sql'),
      "select day from {{ ref('visits_by_day') }} where minutes > 30\n",
    );
    const { parts } = z
      .looseObject({ parts: z.array(z.looseObject({ name: z.string(), status: z.string() })) })
      .parse(
        JSON.parse((await meetup.run(clinic, 'ci', '--base', 'HEAD', '--only', 'fixtures,build', '--json')).stdout),
      );
    expect(parts).toMatchObject([{ status: 'pass', passed: 1 }, { status: 'pass' }]);
  });
});

describe('outside of any project', () => {
  it('a command says in one sentence that there is none', async () => {
    const { exitCode, stderr } = await meetup.run(meetup.folder, 'build');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^Error: There is no dbt_project\.yml in .*npx meetup init/m);
  });
});
