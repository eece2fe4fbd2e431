import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { knownLineage } from '../../src/lineage/known-lineage.ts';
import { tinyProject } from '../engine/project.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

/** Longer than file systems' clocks lag behind, so that what was just saved counts as older than the next reading. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));

it('is read again when a model, a variable, a query or a page differs, and else taken from the state folder', async () => {
  const folder = await temporaryFolder();
  const project = await tinyProject(folder, { raw: false });
  await project.write('models/one.sql', 'select 1 as a, \'{{ env_var("MEETUP_TEST_B", "b") }}\' as b');
  await mkdir(join(folder, 'queries'), { recursive: true });
  await writeFile(join(folder, 'queries/q.sql'), 'select a from one\n');
  const env: Record<string, string | undefined> = { ...process.env };
  const effects = quietEffects({ env });
  const kept = join(project.paths.local, 'lineage.json');
  const read = async () => {
    await settled();
    const before = await stat(kept).catch(() => undefined);
    const { lineage } = await knownLineage(project.paths, effects);
    const isAnew = (await stat(kept)).ino !== before?.ino;
    return { lineage, isAnew };
  };
  // The first reading compiles the engine's own files, which are an input too.
  await knownLineage(project.paths, effects);
  await read();
  expect((await read()).isAnew).toBe(false);

  await project.write('models/one.sql', 'select 1 as a, 2 as c, \'{{ env_var("MEETUP_TEST_B", "b") }}\' as b');
  const edited = await read();
  expect(edited.isAnew).toBe(true);
  expect(edited.lineage.models.find(({ name }) => name === 'one')?.columns.map(({ name }) => name)).toEqual([
    'a',
    'c',
    'b',
  ]);
  expect((await read()).isAnew).toBe(false);

  env.MEETUP_TEST_B = 'other';
  expect((await read()).isAnew).toBe(true);

  await writeFile(join(folder, 'queries/q.sql'), 'select c from one\n');
  const asked = await read();
  expect(asked.lineage.queries[0]?.reads.map(({ column }) => column)).toEqual(['c']);

  await mkdir(join(folder, 'dashboard'), { recursive: true });
  const page =
    '---\ntitle: Ones\n---\n```sql ones\nselect b from one\n```\n<table query="ones" title="All of them"/>\n';
  await writeFile(join(folder, 'dashboard/ones.md'), page);
  const shown = (await read()).lineage.queries.find(({ name }) => name.includes('ones'));
  expect(shown).toMatchObject({ figures: ['Ones: All of them'], reads: [expect.objectContaining({ column: 'b' })] });

  await writeFile(kept, (await readFile(kept, 'utf8')).slice(0, -20));
  expect((await read()).isAnew).toBe(true);
}, 240_000);
