import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { type Paths, projectRoot } from '../../src/config/paths.ts';
import { DuckDbWarehouse, openPublished, openWork } from '../../src/warehouse/duckdb.ts';
import { anewMark, publish } from '../../src/warehouse/publish.ts';
import { restoreWorkingFile, sparePath } from '../../src/warehouse/working-file.ts';
import { temporaryPaths } from '../support/effects.ts';
import { publishedRows } from '../support/rows.ts';

async function inWork(paths: Paths, ...statements: string[]): Promise<void> {
  await restoreWorkingFile(paths);
  const work = await openWork(paths);
  for (const statement of statements) await work.run(statement);
  await work.close();
}

/** Starts another process that opens a database read-only, and answers queries with their first cell. */
async function otherReader(path: string): Promise<{ ask(sql: string): Promise<string>; close(): Promise<void> }> {
  const script = `
    const { DuckDBInstance } = require(${JSON.stringify(join(projectRoot, 'node_modules/@duckdb/node-api'))});
    DuckDBInstance.create(${JSON.stringify(path)}, { access_mode: 'READ_ONLY' }).then(async (instance) => {
      const connection = await instance.connect();
      console.log('open');
      require('node:readline').createInterface(process.stdin).on('line', async (sql) => {
        const [[value]] = (await connection.runAndReadAll(sql)).getRows();
        console.log(String(value));
      });
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    ask: async (sql) => {
      child.stdin.write(`${sql}\n`);
      return String((await lines.next()).value);
    },
    close: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

describe('publish', () => {
  it('publishes the tables and views of the working database', async () => {
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

  it('does nothing if the working database has not changed', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    expect(await publish(paths)).toBe(false);
  });

  it('publishes a database that was written anew, although its signature may be that of the published one', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await restoreWorkingFile(paths);
    const before = (await stat(paths.database)).ino;
    await writeFile(anewMark(paths), '');
    expect(await publish(paths)).toBe(true);
    expect((await stat(paths.database)).ino).not.toBe(before);
    expect([existsSync(anewMark(paths)), existsSync(sparePath(paths))]).toEqual([false, false]);
    await restoreWorkingFile(paths);
    expect(await publish(paths)).toBe(false);
  });

  it('does not change the state that an open reader sees', async () => {
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

  it('publishes what a killed process had committed but not published', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await inWork(paths, 'insert into t values (2)');
    // The killed process did not publish. The next one finds the difference itself.
    expect(await publish(paths)).toBe(true);
    expect(await publishedRows(paths, 'select count(*) from t')).toEqual([[2]]);
  });

  it('publishes again if somebody removed the published file', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await restoreWorkingFile(paths);
    await rm(paths.database);
    expect(await publish(paths)).toBe(true);
    expect(await publishedRows(paths, 'select n from t')).toEqual([[1]]);
  });
});

describe('the working file after publishing', () => {
  it('equals the published file byte for byte, and reuses the previously published one', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table big as select range as n, md5(range::varchar) as text from range(200000)');
    await publish(paths);
    await inWork(paths, 'create table small as select 1 as n');
    await publish(paths);
    const spare = (await stat(sparePath(paths))).ino;
    await restoreWorkingFile(paths);
    expect(readFileSync(paths.workDatabase).equals(readFileSync(paths.database))).toBe(true);
    expect((await stat(paths.workDatabase)).ino).toBe(spare);
    expect((await stat(paths.database)).ino).not.toBe(spare);
  });

  it('is a copy if a reader still has the older file open, which stays unchanged', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select range as n from range(1000)');
    await publish(paths);
    // The reader is another process because a process's locks don't affect itself.
    const reader = await otherReader(paths.database);
    await inWork(paths, 'update t set n = -1');
    await publish(paths);
    await restoreWorkingFile(paths);
    await inWork(paths, 'update t set n = -2');
    expect(await reader.ask('select sum(n)::int from t')).toBe('499500');
    await reader.close();
    expect(await publishedRows(paths, 'select max(n) from t')).toEqual([[-1]]);
    expect(existsSync(sparePath(paths))).toBe(false);
  });

  it('is created even if a process was killed right after publishing', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    expect(existsSync(paths.workDatabase)).toBe(false);
    await inWork(paths, 'insert into t values (2)');
    await publish(paths);
    expect(await publishedRows(paths, 'select count(*) from t')).toEqual([[2]]);
  });

  it('is complete even if a killed process had partly updated the spare file', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select range as n from range(100000)');
    await publish(paths);
    await inWork(paths, 'insert into t values (-1)');
    await publish(paths);
    await writeFile(sparePath(paths), readFileSync(paths.database).subarray(0, 300_000));
    await restoreWorkingFile(paths);
    expect(readFileSync(paths.workDatabase).equals(readFileSync(paths.database))).toBe(true);
  });

  it('replaces a partial copy of a process that was killed while copying', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await writeFile(`${paths.workDatabase}.999.copy`, 'half');
    await publish(paths);
    await restoreWorkingFile(paths);
    expect(readdirSync(dirname(paths.workDatabase))).toEqual(['meetup.duckdb']);
  });
});

describe('opening a database', () => {
  it('fails with one sentence that says what to run if nothing has been built', async () => {
    const paths = await temporaryPaths();
    await expect(openPublished(paths)).rejects.toThrow(/There is no database at .* yet: run `.\/meetup dev`/);
  });

  it('fails with the remedy if a file is not a database', async () => {
    const paths = await temporaryPaths();
    await inWork(paths, 'create table t as select 1 as n');
    await publish(paths);
    await writeFile(paths.database, 'this is no database at all, but it is long enough to be read as one'.repeat(100));
    await expect(DuckDbWarehouse.open(paths.database, { readOnly: true })).rejects.toThrow(
      /can't be opened .*`.\/meetup clean`/s,
    );
  });
});
