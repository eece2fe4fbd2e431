import { describe, expect, it } from 'vitest';
import { Gateway } from '../../src/rehearsal/gateway/gateway.ts';
import { callOf, KIND } from '../../src/rehearsal/thrift/message.ts';
import { Struct, struct } from '../../src/rehearsal/thrift/struct.ts';
import { bool, i32, i64, list, string, stringMap, TYPE } from '../../src/rehearsal/thrift/values.ts';
import { Tickets } from '../../src/rehearsal/volumes/tickets.ts';
import { Volumes } from '../../src/rehearsal/volumes/volumes.ts';
import { FakeSpark, handleOf } from './fake-spark.ts';

function rehearsal() {
  const spark = new FakeSpark();
  const clock = { now: 0 };
  const now = (): number => clock.now;
  const links = { call: spark.call, own: () => Promise.resolve(spark) };
  const gateway = new Gateway({ links, volumes: new Volumes('/nowhere'), tickets: new Tickets(now), now });
  const ask = async (name: string, request: Struct): Promise<Struct> => {
    const reply = await gateway.answer(callOf(name, 1, request), 'https://host');
    return reply.body.struct(0) ?? reply.body;
  };
  const open = (fields: Iterable<readonly [number, ReturnType<typeof i32>]> = []): Promise<Struct> =>
    ask('OpenSession', new Struct([[1282, i64(0xa508n)], ...fields]));
  const execute = (sql: string, more: Iterable<readonly [number, ReturnType<typeof i32>]> = []): Promise<Struct> =>
    ask('ExecuteStatement', new Struct([[1, struct(handleOf('session'))], [2, string(sql)], ...more]));
  return { spark, clock, gateway, ask, open, execute };
}

const withDirectResults = [[1281, struct(new Struct([[1, i64(1000n)]]))]] as const;

describe('a session', () => {
  it('is opened with the protocol version that each side supports', async () => {
    const { open } = rehearsal();
    const response = await open();
    expect(response.i32(2)).toBe(0xa508);
    expect(response.struct(1284)?.string(1)).toBe('hive_metastore');
    expect(response.bool(1285)).toBe(true);
  });

  it("gets the client's settings under Spark's names, without those that Spark does not know", async () => {
    const { spark, open } = rehearsal();
    const settings = new Map([
      ['timezone', 'UTC'],
      ['ansi_mode', 'true'],
      ['QUERY_TAGS', 'a:b'],
      ['spark.sql.shuffle.partitions', '3'],
      ['spark.thriftserver.arrowBasedRowSet.timestampAsString', 'false'],
    ]);
    await open([[4, stringMap(settings)]]);
    expect([...(spark.configurations[0] ?? [])]).toEqual([
      ['set:hiveconf:spark.sql.session.timeZone', 'UTC'],
      ['set:hiveconf:spark.sql.ansi.enabled', 'true'],
      ['set:hiveconf:spark.sql.shuffle.partitions', '3'],
    ]);
  });

  it('is closed after it has been idle for a while, and further statements fail with that reason', async () => {
    const { spark, clock, gateway, open, execute } = rehearsal();
    await open();
    clock.now = 50;
    await execute('select 1');
    clock.now = 120;
    await gateway.closeIdle(100);
    expect(gateway.sessions.size).toBe(1);
    clock.now = 151;
    await gateway.closeIdle(100);
    expect([gateway.sessions.size, spark.alive, spark.asked.includes('CloseSession')]).toEqual([0, false, true]);
    expect((await execute('select 1')).struct(1)?.string(3)).toBe('08003');
  });

  it('is closed only once, and accepts no statements while it is being closed', async () => {
    const { spark, clock, gateway, ask, open, execute } = rehearsal();
    await open();
    clock.now = 200;
    const closing = [gateway.closeIdle(100), gateway.closeIdle(100)];
    expect(gateway.sessions.size).toBe(0);
    expect((await execute('select 1')).struct(1)?.string(3)).toBe('08003');
    const closed = await ask('CloseSession', new Struct([[1, struct(handleOf('session'))]]));
    expect(closed.struct(1)?.i32(1)).toBe(0);
    await Promise.all(closing);
    expect(spark.asked.filter((name) => name === 'CloseSession')).toHaveLength(1);
    expect(spark.alive).toBe(false);
  });

  it('is not idle while it waits for a statement', async () => {
    const { spark, clock, gateway, open, execute } = rehearsal();
    await open();
    spark.states.push(1, 1);
    spark.beforeAnswer = async (name) => {
      if (name !== 'GetOperationStatus') return;
      clock.now += 80;
      await gateway.closeIdle(100);
    };
    await execute('select 1', [[4, bool(false)]]);
    expect(clock.now).toBe(240);
    expect(gateway.sessions.size).toBe(1);
  });

  it('reports that its connection to Spark is lost', async () => {
    const { spark, open, execute } = rehearsal();
    await open();
    spark.alive = false;
    expect((await execute('select 1')).struct(1)?.string(5)).toContain('Open another');
  });
});

describe('a statement', () => {
  it('returns its results directly if the client asks for that, and is then closed', async () => {
    const { spark, ask, open, execute } = rehearsal();
    await open();
    const response = await execute('select 7', withDirectResults);
    const direct = response.struct(1281);
    expect(direct?.struct(1)?.i32(2)).toBe(2);
    expect(direct?.struct(2)?.i32(1281)).toBe(1);
    expect(direct?.struct(3)?.bool(2)).toBe(false);
    expect(direct?.has(4)).toBe(true);
    expect(spark.asked.filter((name) => name === 'CloseOperation')).toHaveLength(1);
    // The client may close it again.
    const handle = response.struct(2) ?? new Struct();
    expect((await ask('CloseOperation', new Struct([[1, struct(handle)]]))).struct(1)?.i32(1)).toBe(0);
    expect(spark.asked.filter((name) => name === 'CloseOperation')).toHaveLength(1);
  });

  it('stays open if more rows may follow', async () => {
    const { open, execute } = rehearsal();
    await open();
    const direct = (await execute('select 7', [[1281, struct(new Struct([[1, i64(1n)]]))]])).struct(1281);
    expect([direct?.struct(3)?.bool(2), direct?.has(4)]).toEqual([true, false]);
  });

  it.each([
    ['initialized, running and pending', [0, 1, 7], 4],
    ['canceled', [3], 1],
    ['closed', [4], 1],
    ['unknown', [6], 1],
    ['timed out', [8], 1],
  ])('is polled only until it has ended: %s', async (_what, states, asked) => {
    const { spark, open, execute } = rehearsal();
    await open();
    spark.states.push(...states);
    await execute('select 1', [[4, bool(false)]]);
    expect(spark.asked.filter((name) => name === 'GetOperationStatus')).toHaveLength(asked);
  });

  it.each([
    ['few rows', 500n, 500],
    ['too many rows', 100_000n, 20_000],
    ['an unspecified number of rows', undefined, 20_000],
  ])('returns a limited number of rows at a time if the client asks for %s', async (_what, wanted, fetched) => {
    const { spark, ask, open, execute } = rehearsal();
    await open();
    const limit = wanted === undefined ? [] : ([[1, i64(wanted)]] as const);
    await execute('select 7', [[1281, struct(new Struct(limit))]]);
    const handle = (await execute('select 7')).struct(2) ?? new Struct();
    const asked = new Struct([
      [1, struct(handle)],
      [2, i32(0)],
    ]).with({ 3: limit[0]?.[1] });
    await ask('FetchResults', asked);
    expect(spark.fetched).toEqual([fetched, fetched]);
  });

  it("returns a plain error message if it fails, together with Spark's original message", async () => {
    const { open, execute } = rehearsal();
    await open();
    const status = (await execute('fail', withDirectResults)).struct(1281)?.struct(1);
    expect([status?.i32(2), status?.string(3)]).toEqual([5, '22012']);
    expect(status?.string(1281)).toBe('[BAD_THING] It is bad. SQLSTATE: 22012');
    expect(status?.string(1282)).toContain('Y.java:1');
  });

  it('is rejected without reaching Spark if only Databricks supports it', async () => {
    const { spark, open, execute } = rehearsal();
    await open();
    expect((await execute('grant select on t to x')).struct(1)?.string(3)).toBe('0A000');
    expect(spark.statements).toEqual([]);
  });

  it('passes its parameters to Spark with name, type and value, including nested ones', async () => {
    const { spark, open, execute } = rehearsal();
    await open();
    const text = (value: string) => struct(new Struct([[1, string(value)]]));
    const part = struct(
      new Struct([
        [1, string('INT')],
        [2, string('7')],
      ]),
    );
    const parameters = list(TYPE.struct, [
      struct(
        new Struct([
          [2, string('a')],
          [3, string('DATE')],
          [4, text('2024-02-29')],
        ]),
      ),
      struct(
        new Struct([
          [3, string('ARRAY')],
          [5, list(TYPE.struct, [part])],
        ]),
      ),
      struct(new Struct()),
    ]);
    await execute('select :a', [[1288, parameters]]);
    expect(JSON.parse(spark.overlays[0]?.get('meetup.parameters') ?? '')).toEqual([
      { name: 'a', type: 'DATE', value: '2024-02-29', arguments: [] },
      { type: 'ARRAY', arguments: [{ type: 'INT', value: '7', arguments: [] }] },
      { arguments: [] },
    ]);
  });

  it('passes on which Arrow types the client can read, if it can read Arrow', async () => {
    const { spark, open, execute } = rehearsal();
    await open();
    const types = struct(
      new Struct([
        [1, bool(true)],
        [2, bool(false)],
        [3, bool(true)],
      ]),
    );
    await execute('select 1', [
      [1282, bool(true)],
      [1284, bool(true)],
      [1286, types],
    ]);
    await execute('select 1', [[1286, types]]);
    expect(spark.overlays.map((overlay) => overlay.get('meetup.arrow'))).toEqual(['timestamps nested lz4', undefined]);
  });

  it.each([
    [3, 'HY008', '[OPERATION_CANCELED]'],
    [8, 'HYT00', '[QUERY_TIMEOUT]'],
  ])('reports that it was cancelled or timed out: state %i', async (state, sqlState, words) => {
    const { spark, ask, open, execute } = rehearsal();
    await open();
    const handle = (await execute('select 1')).struct(2) ?? new Struct();
    spark.states.push(state);
    const status = await ask('GetOperationStatus', new Struct([[1, struct(handle)]]));
    expect([status.string(3), status.string(5)?.split(' ')[0]]).toEqual([sqlState, words]);
  });

  it.each(['GetOperationStatus', 'FetchResults', 'CancelOperation', 'CloseOperation'])(
    'is identified to Spark by its original handle, even if the driver sends an incomplete one: %s',
    async (name) => {
      const { spark, ask, open, execute } = rehearsal();
      await open();
      const given = (await execute('select 7')).struct(2) ?? new Struct();
      // As the JDBC driver sends it: without a type, and without a result set.
      const incomplete = given.with({ 2: i32(6), 3: bool(false) });
      const received: (number | undefined)[] = [];
      spark.beforeAnswer = (_name, request) => void received.push(request.struct(1)?.i32(2));
      await ask(name, new Struct([[1, struct(incomplete)]]));
      expect(new Set(received)).toEqual(new Set([given.i32(2)]));
    },
  );

  it("is translated to Spark's SQL", async () => {
    const { spark, open, execute } = rehearsal();
    await open();
    await execute('select * from hive_metastore.a.b');
    expect(spark.statements).toEqual(['select * from spark_catalog.a.b']);
  });
});

it('the gateway rejects an unknown call by name', async () => {
  const { gateway } = rehearsal();
  const reply = await gateway.answer(callOf('GetDelegationToken', 9, new Struct()), 'https://host');
  expect([reply.kind, reply.sequence]).toEqual([KIND.exception, 9]);
  expect(reply.body.string(1)).toBe("The rehearsal doesn't support GetDelegationToken.");
});
