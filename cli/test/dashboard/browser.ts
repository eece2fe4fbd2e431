import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { z } from 'zod';
import { chromiumExecutable as executable, READY } from '../support/chromium.ts';

/** Why the tests in a browser are skipped, if they are. */
export const noBrowser =
  executable === undefined
    ? 'Chromium is not installed (Debian: apt-get install chromium), so pages are not opened.'
    : undefined;
if (noBrowser !== undefined) process.stderr.write(`Skipped: ${noBrowser}\n`);

export interface OpenPage {
  readonly page: Page;
  /** What the page reported as errors or warnings. */
  readonly complaints: string[];
}

/** One Chromium for the tests of a file. @returns a function that opens an empty page. */
export function withBrowser(): (options?: BrowserContextOptions) => Promise<OpenPage> {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  return async (options = {}) => {
    if (browser === undefined) throw new Error('there is no browser');
    const page = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return { page, complaints };
  };
}

/** Waits until every figure has been drawn. */
export async function ready(page: Page): Promise<void> {
  await page.locator(READY).waitFor({ state: 'attached' });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const found = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** Checks accessibility with axe, and fails with what it finds. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const { violations } = found.parse(await page.evaluate('axe.run()'));
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join('\n')}`)).toEqual(
    [],
  );
}

/** The cells of the body of the table in an element, as they are shown. */
export async function cellsOf(page: Page, selector: string): Promise<string[][]> {
  const rows = await page.locator(`${selector} tbody tr`).allInnerTexts();
  return rows.map((row) => row.split('\t').map((cell) => cell.replaceAll(/\s+/g, ' ').trim()));
}
