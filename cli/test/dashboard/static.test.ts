import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { write } from '../../src/commands/dashboard.ts';
import { dataAddress } from '../../src/dashboard/shared/addresses.ts';
import { quietEffects } from '../support/effects.ts';
import { dashboardProject, ODD_NAME, publishGroups } from './site.ts';

it('writes pages, assets and the data of every choice into a folder, and replaces it the next time', async () => {
  const paths = await dashboardProject();
  const out = join(paths.root, 'public/site');
  const { report } = await write({ paths, out }, quietEffects());
  expect(report).toMatchObject({ status: 'written', pages: 1 });
  const html = await readFile(join(out, 'groups.html'), 'utf8');
  expect(html).toContain('"mode":"static"');
  expect(html).toMatch(/"name":"name"[^}]*"fixed":true/);
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
  const json = async (address: string): Promise<unknown> => JSON.parse(await readFile(join(out, address), 'utf8'));
  expect(await json('data/groups.json')).toMatchObject({ total: { rows: [[127, '2026-10-31T12:30:00']] } });
  expect(await json(dataAddress('groups', ['city'], { city: 'Utrecht' }))).toMatchObject({
    by_city: { rows: [[ODD_NAME, 'Utrecht', 7, 40.25]] },
  });
  expect(await json(dataAddress('groups', ['name'], { name: null }))).toMatchObject({ named: { rows: [[0, null]] } });
  expect(await readdir(join(out, 'data/groups/city'))).toHaveLength(2);
  expect(existsSync(join(out, 'assets/client.js'))).toBe(true);

  await publishGroups(paths, 300);
  await write({ paths, out }, quietEffects());
  expect(await json('data/groups.json')).toMatchObject({ total: { rows: [[327, expect.anything()]] } });
  expect(await readdir(join(paths.root, 'public'))).toEqual(['site']);
});

it('keeps a folder that holds something else', async () => {
  const paths = await dashboardProject();
  const out = join(paths.root, 'precious');
  await mkdir(out);
  await writeFile(join(out, 'letter.txt'), 'Dear');
  await expect(write({ paths, out }, quietEffects())).rejects.toThrow('holds files that are not a dashboard');
  expect(await readdir(out)).toEqual(['letter.txt']);
});

it('leaves nothing behind when it is interrupted', async () => {
  const paths = await dashboardProject();
  const out = join(paths.root, 'public/site');
  await expect(write({ paths, out }, quietEffects({ signal: AbortSignal.abort() }))).rejects.toThrow('Interrupted.');
  expect(await readdir(join(paths.root, 'public'))).toEqual([]);
});

it('writes nothing if a query fails, and says which', async () => {
  const paths = await dashboardProject(
    '---\ntitle: Groups\n---\n```sql one\nselect nothing from groups\n```\n<table query="one" title="x"/>\n',
  );
  const out = join(paths.root, 'site');
  await expect(write({ paths, out }, quietEffects())).rejects.toThrow(
    /groups\.md: The query 'one' failed .*groups\.md:5/s,
  );
  expect(existsSync(out)).toBe(false);
});

it('refuses inputs in the SQL that would make it run too often', async () => {
  const options = Array.from({ length: 401 }, (_, i) => i).join(', ');
  const page = `---\ntitle: Groups\ninputs: {n: {options: [${options}]}}\n---\n\`\`\`sql one\nselect $n as n from groups\n\`\`\`\n`;
  const paths = await dashboardProject(page);
  await expect(write({ paths, out: join(paths.root, 'site') }, quietEffects())).rejects.toThrow(
    'the queries one would run 401 times: select their rows with where="column = $input"',
  );
});
