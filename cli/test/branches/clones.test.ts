import { describe, expect, it } from 'vitest';
import { clonePins } from '../../src/branches/clones.ts';
import type { Pin } from '../../src/branches/plan.ts';
import { StatementFailedError } from '../../src/warehouse/databricks.ts';
import { remoteAnswering } from '../deploy/fake-target.ts';
import { quietEffects } from '../support/effects.ts';

const pin = (source: string): Pin => ({
  uniqueId: source,
  isSource: true,
  relation: 'raw.orders',
  place: 'raw__branch_x.orders',
  version: 3,
  newer: 'version 4: WRITE',
  key: 'k',
});

async function cloned(pins: readonly Pin[], refusal?: string): Promise<string[]> {
  const statements: string[] = [];
  const remote = remoteAnswering(async (sql) => {
    statements.push(sql);
    if (refusal !== undefined) throw new StatementFailedError(refusal, undefined, undefined);
    return [];
  });
  await clonePins({ remote, effects: quietEffects() }, 'x', pins, new Map([['raw__branch_x.orders', 'table']]));
  return statements;
}

describe('tables that are read as of the last deployment', () => {
  it('replace what an earlier run left, and are recorded', async () => {
    const [drop, clone, record] = await cloned([pin('source.shop.raw.orders')]);
    expect(drop).toBe('drop table if exists `main`.`raw__branch_x`.`orders`');
    expect(clone).toBe(
      'create table `main`.`raw__branch_x`.`orders` shallow clone `main`.`raw`.`orders` version as of 3',
    );
    expect(record).toContain('{"keys":{"source.shop.raw.orders":"k"}}');
  });

  it('are cloned once if two sources name the same table', async () => {
    const statements = await cloned([pin('source.shop.raw.orders'), pin('source.shop.landed.orders')]);
    expect(statements.filter((sql) => sql.startsWith('create'))).toHaveLength(1);
    expect(statements.at(-1)).toContain('{"source.shop.raw.orders":"k","source.shop.landed.orders":"k"}');
  });

  it('are refused with the reason if they cannot be cloned', async () => {
    await expect(cloned([pin('source.shop.raw.orders')], 'PERMISSION_DENIED: no\nat line 1')).rejects.toThrow(
      "raw.orders has changed since the last deployment (version 4: WRITE), and its version 3 can't be cloned (PERMISSION_DENIED: no), so",
    );
  });
});
