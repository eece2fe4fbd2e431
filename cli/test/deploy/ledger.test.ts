import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import {
  deployedNow,
  type Entry,
  type EntryDetails,
  interrupted,
  NOTHING_DEPLOYED,
  readLedger,
} from '../../src/deploy/ledger.ts';
import { runsIn } from '../../src/deploy/runs.ts';
import type { DatabricksRow } from '../../src/warehouse/databricks.ts';
import { remoteAnswering } from './fake-target.ts';

const DEPLOYED = { ...NOTHING_DEPLOYED, manifest: 'one', relations: { 'marts.t': { kind: 'absent' } } } as const;
const RUN = { run: { job: '77' }, selected: ['marts.t'] };

type Line = [event: Entry['event'], deployment: string, details?: EntryDetails];

/** A ledger in DuckDB, which has what its query needs of Spark's functions. */
async function ledgerOf(...entries: Line[]) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`
    create macro get_json_object(text, path) as json_extract_string(text, path);
    create macro named_struct(name, value) as map([name], [value]);
    attach ':memory:' as shop;
    create schema shop.meetup;
    create table shop.meetup.deployments (seq bigint, deployment text, event text, "at" timestamp, who text, "commit" text,
      plan_hash text, versions text, details text)`);
  for (const [at, [event, deployment, details = {}]] of entries.entries()) {
    await connection.run(
      `insert into shop.meetup.deployments values ($1, $2, $3, timestamp '2026-11-28 10:00:00', 'somebody', null, '', '{}', $4)`,
      [at + 1, deployment, event, JSON.stringify(details)],
    );
  }
  const rows = async (sql: string): Promise<DatabricksRow[]> =>
    (await connection.runAndReadAll(sql.replaceAll('`', '"').replaceAll(/\bat\b/g, '"at"'))).getRowObjectsJson();
  return { ...remoteAnswering(rows), catalog: 'shop' };
}

it('knows the last deployment and the runs since, also after months of runs and with a deployment that has begun', async () => {
  const runs = Array.from({ length: 60 }, (_, i): Line[] => [
    ['run begun', `r${i}`, RUN],
    ['run finished', `r${i}`, { passed: true }],
  ]);
  const before = { 'marts.t': { kind: 'absent' } } as const;
  const remote = await ledgerOf(
    ['begun', 'one', { before }],
    ['finished', 'one', { deployed: DEPLOYED }],
    ...runs.flat(),
    ['begun', 'two', { before }],
  );
  const entries = await readLedger(remote);
  expect(deployedNow(entries)).toEqual(DEPLOYED);
  expect(runsIn(entries).every(({ passed, relations }) => passed && relations.length === 1)).toBe(true);
  expect(interrupted(entries)?.details.before).toEqual(before);
});

it('leaves out the details of older entries, but not where a rollback went', async () => {
  const remote = await ledgerOf(
    ['finished', 'one', { deployed: DEPLOYED }],
    ['rolled back', 'r', { to: 'one', deployed: DEPLOYED }],
    ['finished', 'two', { deployed: DEPLOYED }],
  );
  expect((await readLedger(remote, 1)).map(({ details }) => details)).toEqual([
    { to: null },
    { to: 'one' },
    { deployed: DEPLOYED },
  ]);
});
