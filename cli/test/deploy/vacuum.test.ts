import { describe, expect, it } from 'vitest';
import { vacuumForgotten } from '../../src/deploy/vacuum.ts';
import type { DatabricksRow } from '../../src/warehouse/databricks.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';
import { remoteAnswering } from './fake-target.ts';

const table = { kind: 'table', version: 3, committedAt: 'then' };
const deployed = {
  relations: { 'raw.users': table, 'marts.old': table, 'marts.gone': table },
  fingerprints: {},
  retired: ['marts.old'],
  manifest: null,
  forgotten: ['a'],
  unvacuumed: ['raw.users', 'marts.old', 'marts.gone'],
};
const finished = {
  seq: 1,
  deployment: 'one',
  event: 'finished',
  at: 'then',
  who: 'somebody',
  commit: null,
  plan_hash: '',
  versions: '{}',
  details: JSON.stringify({ deployed }),
};
const PRESENT: Record<string, readonly string[]> = { raw: ['users'], marts: ['old', 'meetup_aside__gone'] };

/** Runs it on a target that only records statements. `failing` is the beginning of one that fails. */
async function vacuumed(properties: Record<string, string>, failing?: string) {
  const statements: string[] = [];
  const effects = quietEffects();
  const remote = remoteAnswering(async (sql): Promise<DatabricksRow[]> => {
    const text = sql.replaceAll('`', '').replaceAll('main.', '');
    statements.push(text);
    if (failing !== undefined && text.startsWith(failing)) throw new Error('it failed');
    if (/^select seq/.test(text)) return [finished];
    if (text.startsWith('show tables'))
      return (PRESENT[text.split(' ').at(-1) ?? ''] ?? []).map((tableName) => ({ tableName }));
    if (text.startsWith('show tblproperties'))
      return Object.entries(properties).map(([key, value]) => ({ key, value }));
    return [];
  });
  const paths = await temporaryPaths();
  const lease = { lost: new AbortController().signal, requireHeld: async () => undefined };
  const identity = { deployment: 'one', commit: null, planHash: '', versions: {} };
  const result = await vacuumForgotten({ remote, effects, lease, paths, target: { name: 'rehearsal' } }, identity);
  const changes = statements.filter((sql) => /^(drop|alter|vacuum|insert)/.test(sql));
  return { result, changes, warnings: effects.warnings };
}

describe('removing earlier versions', () => {
  it('concerns every table, and drops those that were only kept for a rollback', async () => {
    const { result, changes } = await vacuumed({});
    expect(result).toEqual({ tables: ['raw.users'], dropped: ['marts.meetup_aside__gone', 'marts.old'] });
    expect(changes.slice(0, -1)).toEqual([
      'drop table if exists marts.meetup_aside__gone',
      'drop table if exists marts.old',
      "alter table raw.users set tblproperties ('delta.dataSkippingStatsColumns' = '_batch_id,_batch_seq,_dropped_on,_source_file,_record_index,_loaded_at')",
      "alter table raw.users set tblproperties ('delta.deletedFileRetentionDuration' = 'interval 0 seconds')",
      'vacuum raw.users retain 0 hours',
      "alter table raw.users unset tblproperties if exists ('delta.deletedFileRetentionDuration')",
    ]);
    expect(changes.at(-1)).toMatch(/'vacuumed'.*"unvacuumed":\[\]/s);
  });

  it("keeps the owner's own retention, but not one that a dead process left", async () => {
    const property = 'delta.deletedFileRetentionDuration';
    const last = async (value: string) => (await vacuumed({ [property]: value })).changes.at(-2);
    expect(await last('interval 30 days')).toBe(
      `alter table raw.users set tblproperties ('${property}' = 'interval 30 days')`,
    );
    expect(await last('interval 0 seconds')).toBe(
      `alter table raw.users unset tblproperties if exists ('${property}')`,
    );
  });

  it('is left to the next deployment if it fails', async () => {
    const { result, changes, warnings } = await vacuumed({}, 'vacuum');
    expect(result).toBeUndefined();
    expect(changes.some((sql) => sql.startsWith('insert'))).toBe(false);
    expect(warnings).toEqual([
      'Earlier versions of tables still hold what was forgotten (it failed): the next deployment removes them.',
    ]);
  });
});
