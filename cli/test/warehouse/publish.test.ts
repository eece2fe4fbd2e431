import { readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Paths } from '../../src/config/paths.ts';
import { DuckDbWarehouse, openPublished, openWork } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { temporaryPaths } from '../support/effects.ts';

async function inWork(paths: Paths, ...statements: string[]): Promise<void> {
  const work = await openWork(paths);
  for (const statement of statements) await work.run(statement);
  await work.close();
}

async function publishedRows(paths: Paths, sql: string): Promise<unknown> {
  const published = await openPublished(paths);
  try {
    return (await published.query(sql)).rows;
  } finally {
    await published.close();
  }
}

describe('publish', () => {
  it('gives readers the tables and the views of the working database', async () => {
    const paths = await temporaryPaths();
    await inWork(
      paths,
      'create schema marts',
      'create table marts.t as select 1 as n',
      'create view marts.v as select n + 1 as n from marts.t',
    );
    expect(await publish(paths)).toBe(true);
    expect(await publishedRows(paths, 'select n from marts.v')).toEqual([[2]]);
  });

  it('does nothing when the working database has not changed', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    expect(await publish(paths)).toBe(false);
  });

  it('leaves a reader that is open with the whole state that it opened', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    const reader = await openPublished(paths);
    await inWork(paths, 'update t set n = 2');
    await publish(paths);
    expect((await reader.query('select n from t')).rows).toEqual([[1]]);
    await reader.close();
    expect(await publishedRows(paths, 'select n from t')).toEqual([[2]]);
  });

  it('publishes what a process committed that was killed before it could', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await inWork(paths, 'insert into t values (2)');
    // The killed process never published; the next one finds the difference by itself.
    expect(await publish(paths)).toBe(true);
    expect(await publishedRows(paths, 'select count(*) from t')).toEqual([[2]]);
  });

  it('removes the half-written copy of a process that was killed while it copied', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await writeFile(`${paths.database}.999.copy`, 'half');
    await publish(paths);
    expect(readdirSync(paths.state).filter((name) => name.endsWith('.copy'))).toEqual([]);
  });

  it('publishes again when somebody removed the published file', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await rm(paths.database);
    expect(await publish(paths)).toBe(true);
    expect(await publishedRows(paths, 'select n from t')).toEqual([[1]]);
  });
});

describe('opening a database', () => {
  it('says in one sentence what to run when nothing was built yet', async () => {
    const paths = await temporaryPaths();
    await expect(openPublished(paths)).rejects.toThrow(/There is no database at .* yet: run `.\/meetup dev`/);
  });

  it('says that a file is not a database, and how to mend it', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await writeFile(paths.database, 'this is no database at all, but it is long enough to be read as one'.repeat(100));
    await expect(DuckDbWarehouse.open(paths.database, { readOnly: true })).rejects.toThrow(
      /can't be opened .*`.\/meetup clean`/s,
    );
  });
});
