import { rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Paths } from '../../src/config/paths.ts';
import { DashboardServer } from '../../src/dashboard/site/server.ts';
import { dashboardProject, ODD_NAME, publishGroups } from './site.ts';

const TOKEN = 'a'.repeat(48);

interface Served {
  readonly paths: Paths;
  readonly server: DashboardServer;
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; headers: Headers; text: string }>;
}

async function served(paths?: Paths): Promise<Served> {
  const project = paths ?? (await dashboardProject());
  const server = await DashboardServer.start(project, TOKEN, 0);
  onTestFinished(() => server.close());
  const cookie = `meetup_dashboard_${server.port}=${TOKEN}`;
  const get: Served['get'] = async (path, headers = { cookie }) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers, redirect: 'manual' });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { paths: project, server, get };
}

/** A request with any Host header, which fetch forbids. */
const statusFor = (port: number, host: string, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { host, cookie: `meetup_dashboard_${port}=${TOKEN}` };
    request({ port, host: '127.0.0.1', headers, method }, (response) => resolve(response.resume().statusCode ?? 0))
      .on('error', reject)
      .end();
  });

it('asks for its token, keeps it in a cookie, and serves nobody by another name', async () => {
  const { server, get } = await served();
  expect((await get('/', {})).status).toBe(401);
  expect((await get('/?token=wrong', {})).status).toBe(401);
  const first = await get(`/groups.html?city=Utrecht&token=${TOKEN}`, {});
  expect(first).toMatchObject({ status: 303 });
  expect(first.headers.get('location')).toBe('/groups.html?city=Utrecht');
  expect(first.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict/);
  expect(await statusFor(server.port, 'evil.example')).toBe(421);
  expect(await statusFor(server.port, `127.0.0.1:${server.port}`, 'POST')).toBe(405);
  expect(await statusFor(server.port, `localhost:${server.port}`)).toBe(200);
});

it('names the metric of a figure, says what it means, and refuses one that there is not', async () => {
  const { get, paths } = await served();
  const { text } = await get('/groups.html');
  expect(text).toContain('metric <code>people</code> · <code>groups</code> · Data Team');
  expect(text).toContain(
    '<p class="term">People: metric <code>people</code></p>\n<p>Everybody in a group. Owner: Data Team. <code>./meetup metrics people</code></p>',
  );
  const page =
    '---\ntitle: Other\n---\n\n```sql n\nselect 1 as n\n```\n\n<value query="n" column="n" title="N" metric="peopel"/>\n';
  await writeFile(join(paths.root, 'dashboard/other.md'), page);
  await expect
    .poll(async () => (await get('/other.html')).text)
    .toContain(`other.md:9: the last dev or build knew no metric &#39;peopel&#39;; there is people.`);
});

it('renders a page with its definitions, owners and the moment of the data, and no text as HTML', async () => {
  const { get } = await served();
  const { status, headers, text } = await get('/');
  expect(status).toBe(200);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(text).toContain('<title>Groups · Test marts</title>');
  expect(text).toContain('<h2 class="title" id="figure-26">All members</h2>');
  expect(text).toContain(
    'Definition <span class="source"><code>groups</code> · Data Team · as of 2026-10-31 12:30 UTC</span>',
  );
  expect(text).toContain('<dt><code>members</code></dt><dd>People who joined.</dd>');
  expect(text).toContain('&#34;kind&#34;:&#34;chart&#34;');
  expect(text).not.toContain("O'Neil <b>");
  expect((await get('/nowhere.html')).status).toBe(404);
});

it('answers the data of a page for the inputs in its address', async () => {
  const { get } = await served();
  const data = async (path: string): Promise<unknown> => JSON.parse((await get(path)).text);
  expect(await data('/data/groups.json')).toMatchObject({ total: { rows: [[127, '2026-10-31T12:30:00']] } });
  expect(await data('/data/groups/city?city=Utrecht')).toMatchObject({
    by_city: { rows: [[ODD_NAME, 'Utrecht', 7, 40.25]] },
  });
  expect(await data(`/data/groups/name?name=${encodeURIComponent(ODD_NAME)}`)).toMatchObject({
    named: { rows: [[1, ODD_NAME]] },
  });
  expect((await get('/data/groups/km')).status).toBe(404);
  expect((await get('/data/nowhere.json')).status).toBe(404);
});

it('draws the countries around a box, and refuses a wrong one', async () => {
  const { get } = await served();
  const names = JSON.parse((await get('/atlas.json?box=4,51,6,53')).text).features.map(
    (feature: { properties: { name: string } }) => feature.properties.name,
  );
  expect(names).toEqual(expect.arrayContaining(['Netherlands', 'Belgium', 'Germany']));
  expect(names).not.toContain('Brazil');
  expect((await get('/atlas.json?box=here')).status).toBe(400);
});

it('says that there is no database yet, and what is wrong with a page, in place of the page', async () => {
  const { paths, get } = await served();
  await writeFile(join(paths.root, 'dashboard/groups.md'), '---\ntitle: Groups\n---\n<pie/>\n');
  expect((await get('/')).text).toContain('groups.md:4: there is no component &#60;pie&#62;');
  const without = await dashboardProject();
  await rm(without.database);
  const { get: getWithout } = await served(without);
  expect((await getWithout('/')).text).toContain('There is no database at');
});

it('tells open pages that the database was published, and then answers from it', async () => {
  const { paths, server, get } = await served();
  expect(JSON.parse((await get('/data/groups.json')).text)).toMatchObject({
    total: { rows: [[127, expect.anything()]] },
  });
  const events = await fetch(`http://127.0.0.1:${server.port}/events`, {
    headers: { cookie: `meetup_dashboard_${server.port}=${TOKEN}` },
  });
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toContain('retry:');
  await publishGroups(paths, 300);
  expect((await reader?.read())?.value).toBe('event: data\ndata: {}\n\n');
  expect(JSON.parse((await get('/data/groups.json')).text)).toMatchObject({
    total: { rows: [[327, expect.anything()]] },
  });
  await writeFile(join(paths.root, 'dashboard/more.md'), '---\ntitle: More\n---\n');
  expect((await reader?.read())?.value).toBe('event: pages\ndata: {}\n\n');
  await reader?.cancel();
});

it('reads a page again when the page, or a file of SQL that it names, is saved', async () => {
  const page = (title: string): string =>
    `---\ntitle: ${title}\n---\n<query name="one" file="one.sql"/>\n<table query="one" title="One"/>\n`;
  const paths = await dashboardProject(page('Before'));
  const [pageFile, sqlFile] = [join(paths.root, 'dashboard/groups.md'), join(paths.root, 'dashboard/one.sql')];
  await writeFile(sqlFile, 'select 1 as n');
  const { get } = await served(paths);
  expect((await get('/')).text).toContain('<h1>Before</h1>');
  const answer = async (): Promise<unknown> => JSON.parse((await get('/data/groups.json')).text);
  expect(await answer()).toMatchObject({ one: { rows: [[1]] } });
  // The watch sees the file of SQL once the page has been read.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await writeFile(sqlFile, 'select 22 as n');
  await expect.poll(answer, { timeout: 10_000 }).toMatchObject({ one: { rows: [[22]] } });
  await writeFile(pageFile, page('Afterwards'));
  await expect.poll(async () => (await get('/')).text, { timeout: 10_000 }).toContain('<h1>Afterwards</h1>');
});
