import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, type Page as BrowserPage, chromium } from 'playwright-core';
import { z } from 'zod';
import { silentEffects } from '../../cli/src/config/effects.ts';
import { projectRoot, resolvePaths } from '../../cli/src/config/paths.ts';
import { ColumnLineage } from '../../cli/src/dashboard/data/column-lineage.ts';
import { scriptOf } from '../../cli/src/dashboard/data/page-data.ts';
import { Publication } from '../../cli/src/dashboard/data/publication.ts';
import { readPages } from '../../cli/src/dashboard/page/read-pages.ts';
import type { PageScript } from '../../cli/src/dashboard/shared/types.ts';
import { DashboardServer } from '../../cli/src/dashboard/site/server.ts';
import { chromiumExecutable, READY } from '../../cli/test/support/chromium.ts';
import { median } from '../support/figures.ts';

/**
 * Measures the dashboard's pages in Chromium, on the marts that `./meetup dev` built (its sample has scale 1): the first paint, the
 * time until all figures are drawn, the browser's memory, and how long each filter takes to show its answer, also as a share of
 * loading the page with that filter.
 *
 *     npx tsx bench/dashboard/run.ts --runs 5
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
const runs = Number(values.runs);
const TOKEN = 'c'.repeat(48);

const at = ({ port }: DashboardServer): string => `http://127.0.0.1:${port}`;

const loadedSchema = z.object({ paint: z.number(), drawn: z.number(), heap: z.number() });
const LOADED = `({
  paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  drawn: performance.now(),
  heap: performance.memory.usedJSHeapSize,
})`;

/** Loads a page in a new context, so that nothing is cached. */
async function loaded(browser: Browser, server: DashboardServer, address: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  // Leaves the token in a cookie.
  await page.goto(`${at(server)}/models.html?token=${TOKEN}`);
  await page.goto(`${at(server)}/${address}`, { waitUntil: 'commit' });
  await page.locator(READY).waitFor({ state: 'attached' });
  return { page, figures: loadedSchema.parse(await page.evaluate(LOADED)), close: () => context.close() };
}

/** Chooses another value of an input as a person would. False if there is no other. */
async function choose(page: BrowserPage, { name, type, options }: PageScript['inputs'][number]): Promise<boolean> {
  const control = page.locator(`#input-${name}`);
  const other = options.find(({ value }) => value !== null)?.label;
  if (type === 'multi') {
    await page.locator(`#input-${name}-0`).dispatchEvent('click');
  } else if (type === 'select') {
    const labels = await control.locator('option:not(:checked)').allInnerTexts();
    if (labels[0] === undefined) return false;
    await control.selectOption({ label: labels[0] });
  } else {
    await control.fill(type === 'number' ? '50' : (other ?? 'a'));
  }
  return true;
}

/** Milliseconds from the choice of each input to the last figure that it changes. The pause while somebody types is not counted. */
async function answers(browser: Browser, server: DashboardServer, script: PageScript): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const input of script.inputs) {
    const { page, close } = await loaded(browser, server, `${script.id}.html`);
    await page.evaluate("document.documentElement.dataset.milliseconds = ''");
    if (await choose(page, input)) {
      await page.locator(`${READY}:not([data-milliseconds=""])`).waitFor({ state: 'attached' });
      found.set(input.name, Number(await page.evaluate('document.documentElement.dataset.milliseconds')));
    }
    await close();
  }
  return found;
}

async function measure(browser: Browser, server: DashboardServer, scripts: readonly PageScript[]): Promise<void> {
  console.log('page        first paint   all drawn      memory   (goals: 1,000 ms, -, 300 MB)');
  const drawn = new Map<string, number>();
  for (const { id } of scripts) {
    const all: z.infer<typeof loadedSchema>[] = [];
    for (let run = 0; run < runs; run += 1) {
      const { figures, close } = await loaded(browser, server, `${id}.html`);
      all.push(figures);
      await close();
    }
    const middle = (of: keyof z.infer<typeof loadedSchema>): number => median(all.map((one) => one[of]));
    drawn.set(id, middle('drawn'));
    const memory = `${(middle('heap') / 1e6).toFixed(0)} MB`;
    console.log(`${id.padEnd(12)}${ms(middle('paint'))}   ${ms(middle('drawn'))}   ${memory.padStart(9)}`);
  }
  console.log('\nfilter                     answer   of loading the page   (goal: 100 ms)');
  for (const script of scripts) {
    const all: Map<string, number>[] = [];
    for (let run = 0; run < runs; run += 1) all.push(await answers(browser, server, script));
    for (const name of all[0]?.keys() ?? []) {
      const answer = median(all.flatMap((one) => one.get(name) ?? []));
      const share = `${((answer / (drawn.get(script.id) ?? Number.NaN)) * 100).toFixed(0)} %`;
      console.log(`${`${script.id}: ${name}`.padEnd(24)}${ms(answer)}${share.padStart(22)}`);
    }
  }
}

const ms = (milliseconds: number): string => `${milliseconds.toFixed(0)} ms`.padStart(9);

const paths = resolvePaths({}, process.env, projectRoot);
if (!existsSync(paths.database)) throw new Error('There are no marts yet: run `./meetup dev` first.');
if (chromiumExecutable === undefined) {
  console.log('Chromium is not installed (Debian: apt-get install chromium): nothing is measured.');
} else {
  // The first answer of dbt's engine, which is kept, is not what is measured.
  const lineage = new ColumnLineage(paths, { ...silentEffects(), env: process.env });
  await lineage.rows();
  const publication = await Publication.open(paths);
  const scripts: PageScript[] = [];
  for (const page of await readPages(join(projectRoot, 'dashboard'))) {
    scripts.push(await scriptOf(page, publication, 'live'));
  }
  await publication.retire();
  const server = await DashboardServer.start(paths, TOKEN, 0, () => lineage.rows());
  const browser = await chromium.launch({ executablePath: chromiumExecutable, args: ['--no-sandbox'] });
  try {
    await measure(browser, server, scripts);
  } finally {
    await browser.close();
    await server.close();
  }
}
