import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run } from '../../src/commands/schema-docs.ts';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import type { LandedSettings } from '../../src/config/project/landed-settings.ts';
import { requireLandingFiles } from '../../src/deploy/bundle.ts';
import { readRawTables } from '../../src/ingest/raw-tables.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder, temporaryPaths } from '../support/effects.ts';

const SOURCES = 'dbt/models/staging/_meetup__sources.yml';
const FILES = [SOURCES, 'data/README.md', 'data/schemas/raw.duckdb.sql', 'data/schemas/raw.databricks.sql'];

/** A folder with this repository's schemas and the files that are generated from them. */
async function project() {
  const root = await temporaryFolder();
  await cp(join(projectRoot, 'data/schemas'), join(root, 'data/schemas'), { recursive: true });
  for (const file of FILES) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(join(projectRoot, file), join(root, file));
  }
  return {
    paths: {
      root,
      settings: {},
      data: join(root, 'data'),
      schemas: join(root, 'data/schemas'),
      dbtProject: join(root, 'dbt'),
    },
    read: (file: string) => readFile(join(root, file), 'utf8'),
    write: (file: string, text: string) => writeFile(join(root, file), text),
    entity: (name: string, schema: object) =>
      writeFile(join(root, `data/schemas/${name}.schema.json`), JSON.stringify({ type: 'object', ...schema })),
  };
}

/** The table of an entity in a sources file, parsed like in dbt. */
async function tableIn(text: string, entity: string): Promise<unknown> {
  const { sources } = parse(text, { version: '1.1' });
  return sources[0].tables.find(({ name }: { name: string }) => name === entity);
}

describe('meetup schema docs', () => {
  it('was run after the last change of a schema in this repository', async () => {
    const paths = resolvePaths({}, {}, projectRoot);
    const { exitCode, report } = await run({ paths, checks: true });
    expect(report.files.filter(({ status }) => status !== 'unchanged')).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it.each(['groups', 'users', 'venues'])(
    'names the key by which the models keep the latest version of %s',
    async (entity) => {
      const { key } = JSON.parse(await readFile(join(projectRoot, `data/schemas/${entity}.schema.json`), 'utf8'))[
        'x-meetup'
      ];
      const model = await readFile(join(projectRoot, `dbt/models/intermediate/int_${entity}_latest.sql`), 'utf8');
      expect(model).toContain(`version_rank('${key.join(', ')}')`);
    },
  );

  it('names the columns by which the models tell events apart', async () => {
    const { key } = JSON.parse(await readFile(join(projectRoot, 'data/schemas/events.schema.json'), 'utf8'))[
      'x-meetup'
    ];
    const model = await readFile(join(projectRoot, 'dbt/models/intermediate/int_event_versions.sql'), 'utf8');
    expect(key).toEqual(['group_id', 'created', 'time']);
    for (const column of ['group_id', 'created_ms', 'starts_ms']) expect(model).toContain(column);
  });

  it('only reports differences with --check, and otherwise writes the files', async () => {
    const { paths, read, entity } = await project();
    await entity('sponsors', { properties: { id: { type: 'integer' } } });
    const before = await read(SOURCES);
    const checked = await run({ paths, checks: true });
    expect(checked.exitCode).toBe(1);
    expect(checked.report.files.map(({ status }) => status)).toEqual(['differs', 'differs', 'differs', 'differs']);
    expect(await read(SOURCES)).toBe(before);
    const written = await run({ paths, checks: false });
    expect(written.exitCode).toBe(0);
    expect(written.report.files.map(({ status }) => status)).toEqual(['written', 'written', 'written', 'written']);
    expect((await run({ paths, checks: true })).exitCode).toBe(0);
  });

  it('writes the task that loads landed files, which deploy requires to match the schemas', async () => {
    const { paths: plain, read, entity } = await project();
    const landed: LandedSettings = { targets: ['prod'], volume: 'arrived.drops', max_rejected: 0.025 };
    const paths = { ...resolvePaths({}, {}, projectRoot), ...plain, settings: { landed } };
    await expect(requireLandingFiles(paths, 'prod')).rejects.toThrow('landing/land_files.py is missing');
    await run({ paths, checks: false });
    expect(await read('landing/land_files.py')).toContain('from meetup_landing.land import');
    expect(JSON.parse(await read('landing/landing.json'))).toMatchObject({
      maxRejected: 0.025,
      maxGone: 0.05,
      entities: { groups: { key: [{ name: 'group_id', column: '`group_id`', type: 'bigint' }] } },
    });
    await requireLandingFiles(paths, 'prod');
    await entity('sponsors', { properties: { id: { type: 'integer' } } });
    await expect(requireLandingFiles(paths, 'prod')).rejects.toThrow('schema docs');
    await requireLandingFiles(paths, 'rehearsal');
  });

  it('adds a source table for a new entity, with columns, key, privacy and null tests, and keeps all others', async () => {
    const { paths, read, entity } = await project();
    const before = await read(SOURCES);
    await entity('sponsors', {
      'x-meetup': { key: ['sponsor_id'] },
      description: 'Companies.',
      required: ['sponsor_id', 'on'],
      properties: {
        sponsor_id: { type: 'integer', description: 'The {{ id }}.' },
        on: { type: ['boolean', 'null'] },
        tier: { enum: ['gold', 'silver'], 'x-meetup': { personal: false } },
        deals: {
          type: 'array',
          items: { type: 'object', properties: { group_id: { type: 'integer', description: 'For | whom.' } } },
        },
      },
    });
    await run({ paths, checks: false });
    expect(await tableIn(await read(SOURCES), 'sponsors')).toEqual({
      name: 'sponsors',
      description: 'One row per record of sponsors.json that was loaded. Companies.',
      data_tests: [
        {
          no_nulls: {
            arguments: {
              columns: ['sponsor_id', '_batch_seq', '_dropped_on', '_source_file', '_record_index', '_loaded_at'],
            },
          },
        },
      ],
      columns: [
        { name: 'sponsor_id', description: 'The { { id }}.', config: { meta: { key: true } } },
        { name: 'on' },
        { name: 'tier', config: { meta: { personal: false } } },
        { name: 'deals' },
        ...['_batch_id', '_batch_seq', '_dropped_on', '_source_file', '_record_index', '_loaded_at'].map((name) =>
          expect.objectContaining({ name }),
        ),
      ],
    });
    for (const table of ['groups', 'users', 'events', 'venues', 'rejected_records', 'batches']) {
      expect(await tableIn(await read(SOURCES), table)).toEqual(await tableIn(before, table));
    }
    const comments = (text: string): string[] => text.match(/# .*/g) ?? [];
    expect(comments(await read(SOURCES))).toEqual(comments(before));
    expect(await read('data/README.md')).toContain(
      '| sponsors | `sponsor_id` | integer | key, required: The {{ id }}. |\n| | `on` | boolean | required |\n| | `tier` | "gold", "silver" | not personal |\n| | `deals` | list of objects | |\n| | `deals[].group_id` | integer | For \\| whom. |\n',
    );
    expect(await read('data/schemas/raw.databricks.sql')).toContain('  `deals` array<struct<`group_id`: bigint>>,\n');
  });

  it('updates a column that is renamed or no longer required', async () => {
    const { paths, read, entity } = await project();
    await entity('venues', { properties: { id: { type: 'integer' } } });
    await run({ paths, checks: false });
    expect(await tableIn(await read(SOURCES), 'venues')).toMatchObject({
      config: { freshness: null },
      data_tests: [
        {
          no_nulls: {
            arguments: { columns: ['_batch_seq', '_dropped_on', '_source_file', '_record_index', '_loaded_at'] },
          },
        },
      ],
      columns: [{ name: 'id' }, ...Array.from({ length: 6 }, () => expect.anything())],
    });
  });

  it("creates a sources file, with dbt's own null test, in a project without one", async () => {
    const { paths, read, write, entity } = await project();
    await write(SOURCES, 'models: []\n');
    // dbt can't name the second one in a test.
    await entity('odd', { properties: { 'a b': { type: 'integer' }, 'a"b': {} }, required: ['a b', 'a"b'] });
    await run({ paths, checks: false });
    const text = await read('dbt/models/staging/_raw__sources.yml');
    expect(await tableIn(text, 'odd')).toMatchObject({
      columns: [{ quote: true }, { name: 'a"b' }, ...Array(6).fill({})],
    });
    expect(text.match(/a"b.*/)?.[0]).not.toContain('not_null');
    expect(await tableIn(text, 'users')).toMatchObject({
      columns: expect.arrayContaining([expect.objectContaining({ name: 'user_id', data_tests: ['not_null'] })]),
    });
  });

  it('names the line if the sources file is not YAML, and writes nothing', async () => {
    const { paths, read, write, entity } = await project();
    await write(SOURCES, 'sources:\n  - name: raw\n    tables: [{name: users}\n');
    await entity('sponsors', { properties: { id: { type: 'integer' } } });
    const before = await read('data/README.md');
    await expect(run({ paths, checks: false })).rejects.toThrow(/_meetup__sources\.yml is not YAML: .* at line \d+/);
    expect(await read('data/README.md')).toBe(before);
  });

  it('writes the same DDL that load creates the raw tables with', async () => {
    const { paths, read } = await project();
    const work = await openWork(await temporaryPaths());
    try {
      await work.run(await read('data/schemas/raw.duckdb.sql'));
      for (const { name, columns } of await readRawTables(paths.schemas)) {
        const { rows } = await work.query(
          `select column_name, replace(data_type, '"', ''), not is_nullable from duckdb_columns() where schema_name = 'raw' and table_name = '${name}' order by column_index`,
        );
        expect(rows).toEqual(columns.map((column) => [column.name, column.type.replaceAll('"', ''), column.notNull]));
      }
    } finally {
      await work.close();
    }
  });
});
