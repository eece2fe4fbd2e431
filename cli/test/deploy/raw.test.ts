import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { isBeginning, localBatches, newBatches } from '../../src/deploy/raw/batches.ts';
import { changeColumnsStatements, findColumnChanges } from '../../src/deploy/raw/column-changes.ts';
import { exportBatches } from '../../src/deploy/raw/export.ts';
import { appendStatement, rawTableStatements } from '../../src/deploy/raw/land.ts';
import { readRawTables } from '../../src/ingest/raw-tables.ts';
import { databricksType } from '../../src/warehouse/databricks-types.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';
import { loadedSample } from '../support/loaded.ts';
import { remoteAnswering } from './fake-target.ts';

const tables = await readRawTables(resolvePaths({}, {}, process.cwd()).schemas);
const batch = (id: string, seq: number, loaded = 7) => ({ id, seq, loaded });
const LOCAL = [batch('a', 1), batch('b', 2), batch('c', 3)];

describe('batches', () => {
  it('are new if they come after the last batch on the target', () => {
    expect(newBatches(LOCAL, LOCAL.slice(0, 1), 'prod')).toEqual([batch('b', 2), batch('c', 3)]);
    expect(newBatches(LOCAL, LOCAL, 'prod')).toEqual([]);
    expect(isBeginning(LOCAL.slice(0, 2), LOCAL)).toBe(true);
  });

  it('stop a deployment if they were never loaded locally, or in another order', () => {
    expect(() => newBatches(LOCAL, [batch('x', 1)], 'prod')).toThrow(
      'prod holds batch x (number 1), which was never loaded here',
    );
    expect(() => newBatches(LOCAL, [batch('b', 1)], 'prod')).toThrow(
      'batch b as number 1, which was loaded here as number 2',
    );
    expect(() => newBatches(LOCAL, [batch('a', 1, 5)], 'prod')).toThrow(
      'prod holds 5 records of batch a, of which 7 are loaded here since records were retried or migrated: replace its raw tables with the local ones (--full-refresh).',
    );
  });
});

describe('exported raw rows', () => {
  it('are one reproducible file per table with rows, named after a hash of its content', async () => {
    const { paths } = await loadedSample();
    const local = await openPublished(paths);
    const folder = join(await temporaryFolder(), 'landing');
    try {
      const batches = await localBatches(local);
      const first = await exportBatches(local, batches, folder, tables);
      const second = await exportBatches(local, batches, folder, tables);
      expect(second).toEqual(first);
      expect(first.map(({ table }) => table)).toEqual(expect.arrayContaining(['groups', 'events', 'batches']));
      for (const { name, sha256, table } of first) expect(name).toBe(`${table}-${sha256.slice(0, 32)}.parquet`);
      expect((await readdir(folder)).sort()).toEqual(first.map(({ name }) => name).sort());
      const events = first.find(({ table }) => table === 'events');
      const { rows } = await local.query(`select count(*) from '${events?.file}'`);
      expect(Number(rows[0]?.[0])).toBe(events?.rows);
      expect(await exportBatches(local, [], folder, tables)).toEqual([]);
    } finally {
      await local.close();
    }
  });

  it('replace files of an earlier attempt', async () => {
    const { paths } = await loadedSample();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'events-half.parquet'), 'half a file');
    const local = await openPublished(paths);
    try {
      await exportBatches(local, await localBatches(local), folder, tables);
      expect(await readdir(folder)).not.toContain('events-half.parquet');
      for (const name of await readdir(folder)) {
        expect((await readFile(join(folder, name))).subarray(0, 4).toString()).toBe('PAR1');
      }
    } finally {
      await local.close();
    }
  });

  it('are added only once if the statement is repeated', () => {
    const statement = appendStatement({ catalog: 'main' }, { table: 'batches', name: 'batches-00.parquet' }, tables);
    expect(statement).toContain('insert into `main`.`raw`.`batches`');
    expect(statement).toContain('from parquet.`/Volumes/main/meetup/files/landing/batches-00.parquet`');
    expect(statement).toMatch(/where `batch_id` not in \(select `batch_id` from `main`.`raw`.`batches`\)$/);
  });
});

describe('columns that a schema has changed', () => {
  const users = tables.filter(({ name }) => name === 'users');
  const METADATA = ['_batch_id', '_dropped_on', '_source_file'];
  const types: Record<string, string> = {
    user_id: 'bigint',
    _batch_seq: 'int',
    _record_index: 'bigint',
    _loaded_at: 'timestamp',
  };
  const remote = (columns: readonly string[], more: Record<string, string> = {}) =>
    remoteAnswering(async (sql) => {
      expect(sql).toBe('describe table `main`.`raw`.`users`');
      const named = [...columns, ...Object.keys(types), ...METADATA].map((name) => ({
        col_name: name,
        data_type: { ...types, _dropped_on: 'date', ...more }[name] ?? 'string',
      }));
      return [...named, { col_name: '', data_type: '' }, { col_name: '# Partitioning', data_type: '' }];
    });

  it('are added to the raw table on the target if they are new', async () => {
    const target = remote(['CITY', 'country']);
    const [found] = await findColumnChanges(target, users);
    expect(found?.retyped).toEqual([]);
    expect(found?.added.map(({ name }) => name)).toEqual(['hometown', 'memberships']);
    expect(found && changeColumnsStatements(target, found, tables)).toEqual([
      'alter table `main`.`raw`.`users` add columns (`hometown` string, `memberships` array<struct<`joined`: bigint, `group_id`: bigint>>)',
    ]);
  });

  it('have the table written anew if their types changed', async () => {
    const target = remote(['city', 'country', 'hometown', 'memberships'], {
      memberships: 'array<struct<joined:bigint,group_id:bigint>>',
      country: 'bigint',
    });
    const [found] = await findColumnChanges(target, users);
    expect(found).toMatchObject({ added: [], retyped: [{ name: 'country', from: 'bigint', to: 'string' }] });
    expect(found && changeColumnsStatements(target, found, tables)[0]).toMatch(
      /^create or replace table `main`\.`raw`\.`users` \(.*`country` string.*\) using delta tblproperties \('delta.dataSkippingStatsColumns' = '_batch_id,_batch_seq,_dropped_on,_source_file,_record_index,_loaded_at'\)$/,
    );
  });
});

describe('a struct of more than 25 fields, which a target describes only in part', () => {
  const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
  const ours = `STRUCT(${names.map((name) => `${name} BIGINT`).join(', ')})`;
  const table = {
    name: 'wide',
    batchColumn: '_batch_id',
    order: [],
    columns: [{ name: 'Wide', type: ours, notNull: false }],
  };
  const target = (last: string) =>
    remoteAnswering(async (sql) => {
      const fields = names.map((name) => `${name}:${name === 'f29' ? last : 'bigint'}`);
      if (sql.startsWith('describe')) {
        const type = `struct<${fields.slice(0, 24).join(',')},... 6 more fields>`;
        return [{ col_name: 'wide', data_type: type }];
      }
      expect(sql.replaceAll(/\s+/g, ' ')).toBe(
        'select typeof(`wide`) as type_0 from ( select `wide` from `main`.`raw`.`wide` where false union all select null )',
      );
      return [{ type_0: `struct<${fields.join(',')}>` }];
    });

  it('is unchanged if all of its fields are', async () => {
    expect(await findColumnChanges(target('bigint'), [table])).toEqual([]);
  });

  it('is changed if its last field is', async () => {
    expect(await findColumnChanges(target('string'), [table])).toMatchObject([{ retyped: [{ name: 'Wide' }] }]);
  });
});

describe('a name that Delta forbids', () => {
  const column = (name: string, type = 'VARCHAR') => ({ name, type, notNull: false });
  const table = { name: 'people', batchColumn: '_batch_id', order: [], columns: [column('first name')] };
  const PROPERTY = "tblproperties ('delta.columnMapping.mode' = 'name')";

  it('makes the raw table map names to columns, also if it is inside a column', () => {
    const inside = { ...table, columns: [column('a', 'STRUCT("x,y" BIGINT)[]')] };
    expect(rawTableStatements({ catalog: 'main' }, [table, inside])).toEqual([
      `create table if not exists \`main\`.\`raw\`.\`people\` (\`first name\` string) using delta ${PROPERTY}`,
      `create table if not exists \`main\`.\`raw\`.\`people\` (\`a\` array<struct<\`x,y\`: bigint>>) using delta ${PROPERTY}`,
    ]);
    expect(rawTableStatements({ catalog: 'main' }, tables).join()).not.toContain('columnMapping');
  });

  it('turns the mapping on before a column with it is added', () => {
    const changes = { table: 'people', added: table.columns, retyped: [] };
    expect(changeColumnsStatements({ catalog: 'main' }, changes, [table])).toEqual([
      `alter table \`main\`.\`raw\`.\`people\` set ${PROPERTY}`,
      'alter table `main`.`raw`.`people` add columns (`first name` string)',
    ]);
  });

  it('inside a column is compared with the target, which does not quote it', async () => {
    const inside = { ...table, columns: [column('a', 'STRUCT("x,y" BIGINT)')] };
    const target = remoteAnswering(async () => [{ col_name: 'a', data_type: 'struct<x,y:bigint>' }]);
    expect(await findColumnChanges(target, [inside])).toEqual([]);
  });
});

describe('types of raw columns', () => {
  it('are translated to Databricks, including nested types', () => {
    expect(databricksType('VARCHAR[]')).toBe('array<string>');
    expect(databricksType('STRUCT("user_id" BIGINT, "when" BIGINT, response VARCHAR)[]')).toBe(
      'array<struct<`user_id`: bigint, `when`: bigint, `response`: string>>',
    );
    expect(rawTableStatements({ catalog: 'main' }, tables)).toHaveLength(7);
  });

  it('are rejected if Databricks has no such type', () => {
    expect(() => databricksType('INTERVAL')).toThrow(
      "A column has DuckDB's type INTERVAL, for which meetup knows no type on Databricks.",
    );
  });
});
