import { describe, expect, it } from 'vitest';
import { definitionOf, driftOf, history } from '../../src/deploy/relations.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { StatementFailedError } from '../../src/warehouse/databricks.ts';
import { isNotThere } from '../../src/warehouse/databricks-errors.ts';
import { fakeTarget } from './fake-target.ts';

/** A target that answers every statement with this row. */
function answering(row: Record<string, unknown>): Remote {
  const { remote } = fakeTarget({});
  return { ...remote, connection: { ...remote.connection, rows: async () => [row] } };
}

describe('the history of a table', () => {
  it('has the same timestamps, whether they arrive as dates or as strings, in any time zone', async () => {
    const row = { version: 1, operation: 'WRITE' };
    const moment = new Date('2026-11-28T10:00:00.250Z');
    expect(await history(answering({ ...row, timestamp: moment }), 'marts.t', 1)).toMatchObject([
      { timestamp: '2026-11-28 10:00:00.25' },
    ]);
    expect(await history(answering({ ...row, timestamp: '2026-11-28 10:00:00.25' }), 'marts.t', 1)).toMatchObject([
      { timestamp: '2026-11-28 10:00:00.25' },
    ]);
    const round = await history(answering({ ...row, timestamp: new Date('2026-11-28T10:00:00Z') }), 'marts.t', 1);
    expect(round).toMatchObject([{ timestamp: '2026-11-28 10:00:00' }]);
  });
});

describe('drift', () => {
  it('is found even if many commits follow that do not change rows', async () => {
    const upkeep = Array.from({ length: 120 }, () => 'OPTIMIZE');
    const { remote } = fakeTarget({
      'marts.t': ['CREATE', 'WRITE', 'DELETE', ...upkeep],
      'marts.u': ['CREATE', ...upkeep],
    });
    const known = (version: number) => ({ kind: 'table', version, committedAt: `time ${version}` }) as const;
    expect(await driftOf(remote, 'marts.t', 'table', known(1))).toContain('version 2: DELETE');
    expect(await driftOf(remote, 'marts.u', 'table', known(0))).toBeUndefined();
    expect(await driftOf(remote, 'marts.t', 'table', known(999))).toBe('it was dropped and recreated');
  });
});

describe("a view's definition", () => {
  it('is the statement that created it, without what the catalog adds', () => {
    expect(
      definitionOf("CREATE VIEW v (\n  id)\nTBLPROPERTIES (\n  'transient_lastDdlTime' = '17')\nAS select 1 as id\n"),
    ).toBe('CREATE OR REPLACE VIEW v (\n  id)\nAS select 1 as id');
  });

  it('keeps the other table properties, and can be executed again', () => {
    const sql = (properties: string): string => `CREATE VIEW v TBLPROPERTIES (${properties}) AS select 1 as id`;
    for (const properties of [
      "'a' = 'b', 'transient_lastDdlTime' = '17'",
      "'transient_lastDdlTime' = '17', 'a' = 'b'",
    ]) {
      expect(definitionOf(sql(properties))).toBe(
        `CREATE OR REPLACE VIEW v TBLPROPERTIES ('a' = 'b') AS select 1 as id`,
      );
    }
  });
});

describe('an error about a missing object', () => {
  it('is recognised for a table or a schema, but not for a catalog', () => {
    const failed = (message: string, state: string): Error => new StatementFailedError(message, state, undefined);
    expect(isNotThere(failed('[TABLE_OR_VIEW_NOT_FOUND] …', '42P01'))).toBe(true);
    expect(isNotThere(failed('[SCHEMA_NOT_FOUND] …', '42704'))).toBe(true);
    expect(isNotThere(failed("[NO_SUCH_CATALOG_EXCEPTION] Catalog 'nowhere' was not found", '42704'))).toBe(false);
  });
});
