import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { write } from '../../src/commands/dashboard.ts';
import type { Paths } from '../../src/config/paths.ts';
import { DashboardServer } from '../../src/dashboard/site/server.ts';
import { listen } from '../../src/rehearsal/gateway/listen.ts';
import { quietEffects } from '../support/effects.ts';
import { cellsOf, expectAccessible, noBrowser, ready, withBrowser } from './browser.ts';
import { dashboardProject, ODD_NAME, publishGroups } from './site.ts';

const open = withBrowser();
/** Tests share their machine with others. */
const PATIENT = { timeout: 10_000, interval: 20 };
const GROUPS = '.figure.table:has(.title:text-is("Groups"))';

async function served(page?: string): Promise<{ paths: Paths; server: DashboardServer }> {
  const paths = await dashboardProject(page);
  const server = await DashboardServer.start(paths, 'a'.repeat(48), 0);
  onTestFinished(() => server.close());
  return { paths, server };
}

it.skipIf(noBrowser !== undefined)('filters, sorts, downloads and keeps its filters in the address', async () => {
  const { server } = await served();
  const { page, complaints } = await open({ acceptDownloads: true });
  await page.goto(server.address);
  await ready(page);
  expect(page.url()).not.toContain('token');
  expect(await page.locator('.figure.value .big').textContent()).toBe('127');
  // At most 50 km.
  expect(await cellsOf(page, GROUPS)).toEqual([['First', '100', '1.5']]);
  await page.fill('#input-near', '100');
  await expect
    .poll(() => cellsOf(page, GROUPS), PATIENT)
    .toEqual([
      ['First', '100', '1.5'],
      ['Second', '20', '80.0'],
    ]);
  expect(page.url()).toContain('?near=100');
  // By the keyboard: the header of the second column sorts, and keeps the focus.
  await page.locator(`${GROUPS} th button`).nth(1).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  expect((await cellsOf(page, GROUPS)).map(([name]) => name)).toEqual(['Second', 'First']);
  expect(await page.locator(`${GROUPS} th`).nth(1).getAttribute('aria-sort')).toBe('ascending');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Members');
  const download = page.waitForEvent('download');
  await page.locator(`${GROUPS} .csv`).click();
  expect(await readFile(await (await download).path(), 'utf8')).toBe(
    '\uFEFFgroup_name,city,members,km\r\nSecond,Amsterdam,20,80\r\nFirst,Amsterdam,100,1.5\r\n',
  );
  await page.selectOption('#input-city', 'Utrecht');
  await expect.poll(() => cellsOf(page, GROUPS), PATIENT).toEqual([[ODD_NAME, '7', '40.3']]);
  // A link shows the same.
  await page.goto(page.url());
  await ready(page);
  expect(await cellsOf(page, GROUPS)).toEqual([[ODD_NAME, '7', '40.3']]);
  expect(await page.inputValue('#input-near')).toBe('100');
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

it.skipIf(noBrowser !== undefined)('redraws after a publication, without losing filters', async () => {
  const { paths, server } = await served();
  const { page, complaints } = await open();
  await page.goto(`${server.address}&near=100`);
  await ready(page);
  await page.evaluate('window.stayed = true');
  const published = Date.now();
  await publishGroups(paths, 300);
  await expect.poll(() => page.locator('.figure.value .big').textContent(), PATIENT).toBe('327');
  // A second on an idle machine, but tests share theirs with others.
  expect(Date.now() - published).toBeLessThan(10_000);
  expect(await cellsOf(page, GROUPS)).toContainEqual(['First', '300', '1.5']);
  expect(await page.evaluate('window.stayed')).toBe(true);
  expect(await page.locator('#status').textContent()).toContain('Drawn again after a build');
  expect(complaints).toEqual([]);
});

it.skipIf(noBrowser !== undefined)('says in words what is empty, what failed, and what is missing', async () => {
  const { server } = await served(`---
title: States
---

\`\`\`sql none
select * from groups where members < 0
\`\`\`

\`\`\`sql broken
select nothing from groups
\`\`\`

<table query="none" title="Nothing"/>
<table query="none" title="Nothing told" empty="No group lost anybody."/>
<chart query="broken" type="bar" x="a" y="b" title="Broken"/>
<chart query="none" type="bar" x="a" y="members" title="Wrong column"/>
`);
  const { page, complaints } = await open();
  await page.goto(server.address);
  await ready(page);
  const texts = await page.locator('.figure .body').allInnerTexts();
  expect(texts[0]).toContain('No rows.');
  expect(texts[1]).toBe('No group lost anybody.');
  expect(texts[2]).toContain("The query 'broken' failed");
  expect(texts[3]).toContain("The query 'none' has no column a");
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

it.skipIf(noBrowser !== undefined)('shows pairs of the same things in one order on both axes', async () => {
  const { server } = await served(`---
title: Pairs
---

\`\`\`sql pairs
select a, b, n from (values ('Zoo', 'Ape', 1), ('Zoo', 'Bee', 2), ('Ape', 'Bee', 3), ('Ape', 'Zoo', 1), ('Bee', 'Zoo', 2), ('Bee', 'Ape', 3)) as t (a, b, n)
\`\`\`

<chart query="pairs" type="heat" x="b" y="a" color="n" title="Pairs"/>
`);
  const { page, complaints } = await open();
  await page.goto(server.address);
  await ready(page);
  const names = ['Zoo', 'Ape', 'Bee'];
  const texts = await page.locator('.figure svg[role=img] text').allTextContents();
  expect(texts.filter((text) => names.includes(text))).toEqual([...names, ...names]);
  expect(complaints).toEqual([]);
});

it.skipIf(noBrowser !== undefined)('works as a static folder behind any web server', async () => {
  const paths = await dashboardProject();
  const out = join(paths.root, 'site');
  await write({ paths, out }, quietEffects());
  const types: Record<string, string> = {
    html: 'text/html',
    js: 'text/javascript',
    css: 'text/css',
    json: 'application/json',
  };
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').split('?')[0]?.replace(/\/$/, '/index.html') ?? '';
    const file = join(out, name);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader('content-type', types[name.split('.').at(-1) ?? ''] ?? 'text/plain');
    return createReadStream(file).pipe(response);
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
  });
  const { page, complaints } = await open();
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`http://127.0.0.1:${port}/`) && !/^(data|blob):/.test(request.url()))
      elsewhere.push(request.url());
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  await ready(page);
  expect(page.url()).toContain('/groups.html');
  expect(await cellsOf(page, GROUPS)).toEqual([['First', '100', '1.5']]);
  await page.selectOption('#input-city', 'Utrecht');
  await expect.poll(() => cellsOf(page, GROUPS), PATIENT).toEqual([[ODD_NAME, '7', '40.3']]);
  expect(await page.isDisabled('#input-name')).toBe(true);
  await expectAccessible(page);
  expect([...complaints, ...elsewhere]).toEqual([]);
});
