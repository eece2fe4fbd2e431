import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { readLocalProject } from '../../src/pull/open-sources.ts';
import { findSourceTables, type SourceTable } from '../../src/pull/source-tables.ts';
import { writeSample } from '../../src/pull/write-sample.ts';
import { remoteAnswering } from '../deploy/fake-target.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { workRows } from '../support/rows.ts';

const effects = quietEffects({ env: process.env });
const SOURCE = 'source.tiny.raw.groups';
let folder: string;
let project: TinyProject;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-location-'));
  project = await tinyProject(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Looks up the source on a target that has it with one column. */
async function sourcesAt(location: string): Promise<SourceTable[]> {
  const meta = `{external_location: ${JSON.stringify(location)}}`;
  await project.write('models/sources.yml', `sources: [{name: raw, tables: [{name: groups, meta: ${meta}}]}]\n`);
  const local = await readLocalProject(project.paths, 'prod', effects);
  const { connection, catalog } = remoteAnswering(async () => [{ col_name: 'id', data_type: 'bigint' }]);
  return findSourceTables({ name: 'prod', connection, catalog }, local.manifest, local, [SOURCE], {});
}

describe('a source that DuckDB reads from files', () => {
  it('is refused with what to do', async () => {
    await expect(sourcesAt('files/groups.parquet')).rejects.toThrow(
      'The source raw.groups has an external_location, so DuckDB reads it from files: if the environment variable MEETUP_PULLED is set, let it be `(from raw.groups)`.',
    );
  });

  it('is pulled and built on if its location depends on that', async () => {
    const [table] = await sourcesAt(
      "{{ '(from raw.groups)' if env_var('MEETUP_PULLED', '') else 'files/groups.parquet' }}",
    );
    if (table === undefined) throw new Error('There is no source.');
    const rows = { columns: table.brought, rows: [['7']] };
    const pulled = { version: 1 as const, folder: 'pulled-a', from: 'prod', at: '', chosen: '', rows: 1 };
    await writeSample(project.paths, [{ table, rows }], [], pulled);
    const sample: Paths = resolvePaths(
      { stateDir: project.paths.state },
      { MEETUP_PROJECT_DIR: folder, MEETUP_TOOLCHAIN_DIR: project.paths.toolchain },
      folder,
    );
    const engine = new EngineClient(sample, effects);
    try {
      await engine.run({ target: 'dev', select: ['numbers'] });
    } finally {
      await engine.close();
    }
    expect(await workRows(sample, 'select id, amount from main.numbers')).toEqual([[7, 70]]);
  });
});
