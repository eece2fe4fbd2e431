import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../src/config/paths.ts';
import { forgetInSnapshots } from '../../src/deploy/forget-snapshots.ts';
import { readTombstones } from '../../src/ingest/forgotten/tombstones.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';
import { remoteAnswering } from './fake-target.ts';

/** Searches one snapshot with these rows, after the user 123 was forgotten. @returns the statements that change something. */
async function forgotten(rows: Readonly<Record<string, object>>, count = 3): Promise<string[]> {
  const { data, ...rest } = await temporaryPaths();
  const paths = { ...rest, data, schemas: join(data, 'schemas') };
  await mkdir(data, { recursive: true });
  await cp(join(projectRoot, 'data/schemas'), paths.schemas, { recursive: true });
  const { all } = (await readTombstones(data)).with('users', ['user_id'], ['123'], 0);
  await all.write(data);
  const changes: string[] = [];
  const portions = new Set<string>();
  const remote = remoteAnswering(async (sql) => {
    const text = sql.replaceAll('`', '');
    if (!text.startsWith('select')) changes.push(text);
    if (text.startsWith('select count')) return [{ n: String(count) }];
    const portion = / = (\d+)$/.exec(text)?.[1];
    if (portion === undefined || portions.size > 0) return [];
    portions.add(portion);
    return Object.entries(rows).map(([id, record]) => ({ id, record: JSON.stringify(record) }));
  });
  await forgetInSnapshots({ remote, paths, effects: quietEffects() }, ['snapshots.history']);
  return changes;
}

it('writes what is left of a snapshot into new files, and names rows by hashes, never by values', async () => {
  const changes = await forgotten({
    ab12: { user_id: 123, hometown: 'Leiden' },
    cd34: { user_id: 456 },
    ef56: { user_id: 7, answers: [{ user_id: '123' }] },
  });
  expect(changes).toEqual([
    "insert overwrite main.snapshots.history select * from main.snapshots.history where dbt_scd_id is null or dbt_scd_id not in ('ab12', 'ef56')",
  ]);
});

it('leaves a snapshot alone that holds nothing of it, also if it is read in portions', async () => {
  expect(await forgotten({ cd34: { user_id: 456 } }, 50_000)).toEqual([]);
});
