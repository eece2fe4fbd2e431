import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { rawTablesOf } from '../../src/ingest/raw-tables.ts';
import { readContracts } from '../../src/ingest/schemas.ts';
import type { LocalProject } from '../../src/pull/open-sources.ts';
import { type Received, withoutPersons } from '../../src/pull/receive.ts';
import type { SourceTable } from '../../src/pull/source-tables.ts';
import { cellOf } from '../../src/pull/types.ts';
import { dropSample, writeSample } from '../../src/pull/write-sample.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryPaths } from '../support/effects.ts';

const contracts = await readContracts(join(projectRoot, 'data/schemas'));
const project: LocalProject = {
  manifest: { nodes: {}, sources: {} },
  contracts,
  rawTables: rawTablesOf(contracts),
  lineage: undefined,
  declared: () => new Map([['home', { personal: true }]]),
};

type Columns = Readonly<Record<string, string>>;

/** Rows as they come from the target: JSON, in which each number is a text. */
function rowsOf(name: string, columns: Columns, rows: readonly Readonly<Record<string, unknown>>[]): Received {
  const [schema = '', table = ''] = name.split('.');
  const brought = Object.entries(columns).map(([column, type]) => ({ name: column, from: 'string', type }));
  const source: SourceTable = { id: name, name, place: name, schema, table, columns: new Map(), brought, left: [] };
  const cells = rows.map((row) => brought.map((column) => cellOf(row[column.name], column.type)));
  return { table: source, rows: { columns: brought, rows: cells } };
}

const PERSONS = rowsOf(
  'crm.persons',
  {
    id: 'BIGINT',
    name: 'VARCHAR',
    badge: 'UUID',
    notes: 'JSON',
    photo: 'BLOB',
    home: 'DECIMAL(4,2)',
    born_on: 'DATE',
    seen: 'TIMESTAMP',
    friends: 'STRUCT("Name" VARCHAR, user_id BIGINT)[]',
    likes: 'MAP(VARCHAR, INTEGER)',
  },
  [
    {
      id: '9007199254740993',
      name: 'Ann Lee',
      badge: '3f2b8c1e-7d5a-4e9b-8f6c-2a1d0e9c8b7a',
      notes: '{"email": "ann@example.org", "age": 34}',
      photo: '416E6E204C6565',
      home: '52.37',
      born_on: '1987-06-05',
      seen: '2024-03-31 01:30:00.123456',
      friends: [{ Name: 'Bob Ray', user_id: '81234567' }, null],
      likes: [{ key: 'stamps', value: '3' }],
    },
    { id: '12', name: 'Bob Ray' },
  ],
);
const REJECTED = rowsOf(
  'raw.rejected_records',
  { rejected_id: 'VARCHAR', entity: 'VARCHAR', reasons: 'VARCHAR[]', record: 'VARCHAR', line: 'BIGINT' },
  [
    {
      rejected_id: 'r1',
      entity: 'users',
      reasons: ['/name: "Ann Lee" is too long'],
      record: '{"name": "Ann Lee"}',
      line: '7',
    },
  ],
);

const pulled = (folder: string) => ({ version: 1 as const, folder, from: 'prod', at: '', chosen: '', rows: 3 });
const now = ({ state }: Paths): Paths => resolvePaths({ stateDir: state }, {}, projectRoot);

async function written(): Promise<{ paths: Paths; folder: string }> {
  const before = await temporaryPaths();
  await mkdir(before.state);
  const { received } = withoutPersons([PERSONS, REJECTED], project);
  await writeSample(before, received, project.rawTables, pulled('pulled-a'));
  return { paths: now(before), folder: join(before.state, 'pulled-a', 'work') };
}

async function rows(paths: Paths, sql: string): Promise<unknown[][]> {
  const warehouse = await DuckDbWarehouse.open(paths.workDatabase, { readOnly: true });
  try {
    return (await warehouse.query(sql)).rows.map((row) => [...row]);
  } finally {
    await warehouse.close();
  }
}

describe('a pulled sample', () => {
  it('keeps types, moments and what refers to each other', async () => {
    const { paths } = await written();
    const shown = 'id, name, home, born_on, seen, friends, likes';
    expect(await rows(paths, `select ${shown} from crm.persons order by id`)).toEqual([
      [1, 'Aa13 Aa22', null, null, null, null, null],
      [
        3,
        'Aa11 Aa18',
        1,
        '1970-01-01',
        '2024-03-31T01:30:00.123456',
        [{ Name: 'Aa13 Aa22', user_id: 2 }, null],
        [{ key: 'aa23', value: 3 }],
      ],
    ]);
  });

  it('has nothing by which a person could be known, in no column and no file', async () => {
    const { paths, folder } = await written();
    const all = await rows(paths, 'select cast(p as varchar) from crm.persons as p');
    const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file))));
    for (const text of ['Ann', 'Bob', 'example.org', 'stamps', '3f2b8c1e', '81234567', '1987', '52.37']) {
      expect(JSON.stringify(all)).not.toContain(text);
      expect(files.some((bytes) => bytes.includes(text))).toBe(false);
    }
  });

  it('says of rejected records only that they were rejected', async () => {
    const { paths } = await written();
    const [[reasons, ...others] = []] = await rows(
      paths,
      'select cast(reasons as varchar), entity, record, line from raw.rejected_records',
    );
    expect(others).toEqual(['users', '{}', 7]);
    expect(reasons).not.toContain('Ann');
  });

  it('replaces an earlier one, and leaves nothing when it is dropped', async () => {
    const { paths } = await written();
    await writeSample(paths, [], [], pulled('pulled-b'));
    expect((await readdir(paths.state)).sort()).toEqual(['pulled-b', 'pulled.json']);
    expect(now(paths).pulled?.folder).toBe('pulled-b');
    await dropSample(now(paths));
    expect(await readdir(paths.state)).toEqual([]);
    expect(now(paths).pulled).toBeUndefined();
  });
});
