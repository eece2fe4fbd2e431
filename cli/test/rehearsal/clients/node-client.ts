import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DBSQLClient, DBSQLParameter, DBSQLParameterType } from '@databricks/sql';
import type { Case, Given, Outcome } from './cases.ts';

type Session = Awaited<ReturnType<DBSQLClient['openSession']>>;
type Operation = Awaited<ReturnType<Session['executeStatement']>>;

/** Runs the common cases with Databricks' own driver for Node. */
export async function nodeClient({ host, port, httpPath, token, caFile, cases }: Given): Promise<Outcome[]> {
  const client = new DBSQLClient({ logger: { log: () => undefined } });
  client.on('error', () => undefined);
  await client.connect({
    host,
    port,
    path: httpPath,
    token,
    telemetryEnabled: false,
    customCaCert: await readFile(caFile),
    preserveBigNumericPrecision: true,
  });
  const session = await client.openSession({ configuration: { timezone: 'UTC' } });
  const folder = await mkdtemp(join(tmpdir(), 'node-client-'));
  const outcomes: Outcome[] = [];
  try {
    for (const test of cases) outcomes.push(await outcomeOf(session, folder, test));
  } finally {
    await session.close();
    await client.close();
  }
  return outcomes;
}

async function outcomeOf(session: Session, folder: string, test: Case): Promise<Outcome> {
  try {
    for (const sql of test.before ?? []) await rows(session, { ...test, sql });
    return { name: test.name, outcome: await ACTIONS[test.do](session, test, folder) };
  } catch (error) {
    return { name: test.name, failed: `${error instanceof Error ? error.stack : error}` };
  }
}

type Action = (session: Session, test: Case, folder: string) => Promise<unknown>;

const ACTIONS: Readonly<Record<Case['do'], Action>> = {
  library: () => Promise.reject(new Error('this is for libraries that are built on a driver')),
  rows,
  large: async (session, { sql }) => {
    const all = await fetched(await session.executeStatement(sql));
    const sum = all.reduce((total, [id]) => total + BigInt(String(id)), 0n);
    return [[String(all.length), String(sum), String(all.filter(([, name]) => name === null).length)]];
  },
  update: async (session, test) => {
    const operation = await executed(session, test);
    await operation.finished();
    const { numModifiedRows } = await operation.status();
    await operation.close();
    return Number(numModifiedRows);
  },
  error: (session, test) => errorOf(rows(session, test)),
  metadata: async (session, test) => {
    const operation = await metadataOf(session, test);
    const found = await operation.fetchAll();
    await operation.close();
    return found.map((row) =>
      test.columns?.map((name) => plain(Object.entries(row).find(([key]) => key === name)?.[1])),
    );
  },
  together: async (session, test) =>
    (
      await Promise.all(
        [0, 1, 2].map((start) => rows(session, { ...test, sql: test.sql.replace('ID', String(start)) })),
      )
    ).length,
  cancel: async (session, { sql }) => {
    const operation = await session.executeStatement(sql);
    const ended = operation.fetchAll().then(
      () => 'completed',
      () => 'cancelled',
    );
    await delay(500);
    const started = performance.now();
    await operation.cancel();
    const how = await ended;
    const seconds = (performance.now() - started) / 1000;
    return {
      ended: how,
      seconds,
      after: await fetched(await session.executeStatement('select count(*) as one from range(1)')),
    };
  },
  volume: async (session, { path }, folder) => {
    const [up, down, content] = [join(folder, 'up'), join(folder, 'down'), randomBytes(300_000)];
    await writeFile(up, content);
    const statements = [`PUT '${up}' INTO '${path}' OVERWRITE`, `GET '${path}' TO '${down}'`];
    for (const sql of [...statements, `REMOVE '${path}'`, `REMOVE '${path}'`]) {
      await (await session.executeStatement(sql, { stagingAllowedLocalPath: folder })).close();
    }
    return (await readFile(down)).equals(content);
  },
  missing: (session, { path }, folder) =>
    errorOf(
      session.executeStatement(`GET '${path}' TO '${join(folder, 'none')}'`, { stagingAllowedLocalPath: folder }),
    ),
};

async function rows(session: Session, test: Case): Promise<unknown[][]> {
  return fetched(await executed(session, test));
}

function executed(session: Session, { sql, positional, named }: Case): Promise<Operation> {
  if (positional !== undefined) return session.executeStatement(sql, { ordinalParameters: positional.map(parameter) });
  if (named === undefined) return session.executeStatement(sql);
  const parameters = Object.entries(named).map(([name, given]) => [name, parameter(given)] as const);
  return session.executeStatement(sql, { namedParameters: Object.fromEntries(parameters) });
}

function parameter([kind, value]: readonly [string, string | null]): DBSQLParameter {
  const type = { ...DBSQLParameterType, INT: DBSQLParameterType.INTEGER }[kind];
  return new DBSQLParameter({ value, ...(type === undefined ? {} : { type }) });
}

function metadataOf(session: Session, { call, catalog = '', schema = '', table = '' }: Case): Promise<Operation> {
  const where = { catalogName: catalog, schemaName: schema };
  if (call === 'catalogs') return session.getCatalogs();
  if (call === 'schemas') return session.getSchemas(where);
  if (call === 'tables') return session.getTables({ ...where, tableName: table });
  if (call === 'columns') return session.getColumns({ ...where, tableName: table });
  return call === 'tableTypes' ? session.getTableTypes() : session.getPrimaryKeys({ ...where, tableName: table });
}

async function fetched(operation: Operation): Promise<unknown[][]> {
  const all = await operation.fetchAll();
  await operation.close();
  return all.map((row) => Object.values(row).map(plain));
}

/** A value as text, or as a list if it is nested. */
function plain(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (value instanceof Date) return timeOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return [...value].map((pair) => pair.map(plain));
  return typeof value === 'object' ? Object.values(value).map(plain) : String(value);
}

/** The driver does not distinguish dates from timestamps, so midnight stands for a date. */
function timeOf(value: Date): string {
  const [date, time] = value
    .toISOString()
    .replace(/\.?0*Z$/, '')
    .split('T');
  return time === '00:00:00' ? `${date}` : `${date} ${time}`;
}

async function errorOf(failing: Promise<unknown>): Promise<unknown> {
  try {
    await failing;
    return null;
  } catch (error) {
    // Some values that the driver throws are not Errors but have a message.
    const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
    const message = hasMessage ? String(error.message) : String(error);
    return { state: /SQLSTATE: (\w{5})/.exec(message)?.[1], message };
  }
}
