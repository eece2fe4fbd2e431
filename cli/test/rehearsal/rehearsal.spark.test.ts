import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RehearsalReport, run } from '../../src/commands/rehearsal.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { isAlive } from '../../src/config/processes.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';
import {
  connectDatabricks,
  type DatabricksConnection,
  type DatabricksOptions,
} from '../../src/warehouse/databricks.ts';
import { quietEffects } from '../support/effects.ts';
import { howSampled, sampled } from '../support/sampled.ts';
import { sparkOf } from '../support/spark-process.ts';
import { describeClients } from './clients/describe-clients.ts';

/** Spark starts in ten seconds on an idle machine and in a minute on a busy one. Its first installation takes longer. */
const START_MS = 600_000;

// A statement on Spark takes a second on an idle machine and ten on a busy one.
vi.setConfig({ testTimeout: 180_000 });

const effects = quietEffects({ env: process.env });
let folder: string;
let paths: Paths;
let shared: DatabricksConnection;

const rehearsal = async (action: 'up' | 'down' | 'status'): Promise<RehearsalReport> =>
  (await run({ paths, action }, effects)).report;

async function driver(): Promise<DatabricksOptions> {
  return { ...(await rehearsalConnection(paths, effects)).driver, attempts: 2 };
}

/**
 * A query that runs for minutes. Spark only notices that a task was killed after each thousand rows of `a`, so `b` is small: with a
 * million rows, a thousand rows of `a` take a minute on a busy machine.
 */
const ENDLESS = `
  select count(*) from range(10000000) as a cross join range(10000) as b where hash(a.id, b.id) = 42`;

/** A session that is closed after the test. */
async function session(options: Partial<DatabricksOptions> = {}): Promise<DatabricksConnection> {
  const connection = await connectDatabricks({ ...(await driver()), ...options });
  onTestFinished(() => connection.close());
  return connection;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-rehearsal-'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  paths = resolvePaths({ stateDir: join(folder, 'state') }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
  await rehearsal('up');
  shared = await connectDatabricks(await driver());
}, START_MS);

afterAll(async () => {
  await shared?.close();
  await rehearsal('down');
  await rm(folder, { recursive: true, force: true });
}, START_MS);

describe('rows', () => {
  it('have every type, with values and with nulls', async () => {
    const values: Record<string, readonly [sql: string, type: string, expected: unknown]> = {
      t: ['true', 'boolean', true],
      b: ['-128', 'tinyint', -128],
      s: ['32767', 'smallint', 32767],
      i: ['-2147483648', 'int', -2147483648],
      l: ['9007199254740991', 'bigint', 9007199254740991],
      f: ['1.5', 'float', 1.5],
      d: ['-2.25', 'double', -2.25],
      n: ['12345.67', 'decimal(12,2)', 12345.67],
      c: ["'grüezi 😀'", 'string', 'grüezi 😀'],
      x: ["X'00ff7f'", 'binary', Buffer.from([0, 255, 127])],
      on: ["date'2024-02-29'", 'date', '2024-02-29'],
      at: ["timestamp'2024-03-31 01:30:00.123'", 'timestamp', '2024-03-31 01:30:00.123'],
      wall: ["timestamp_ntz'2024-03-31 02:30:00'", 'timestamp_ntz', '2024-03-31 02:30:00'],
      list: ['array(1, null, 3)', 'array<int>', [1, null, 3]],
      record: ["named_struct('a', 1, 'b', 'x')", 'struct<a: int, b: string>', { a: 1, b: 'x' }],
      map: ["map('k', 1.5D)", 'map<string, double>', { k: 1.5 }],
      nested: [
        "array(named_struct('u', 1L, 'when', 2L))",
        'array<struct<u: bigint, when: bigint>>',
        [{ u: 1, when: 2 }],
      ],
      quotes: [
        `named_struct('said', array('"no"', 'a\\\\b\\nc'), 'on', date'2024-02-29')`,
        'struct<said: array<string>, on: date>',
        // The driver returns a Date inside a struct.
        { said: ['"no"', 'a\\b\nc'], on: new Date('2024-02-29') },
      ],
    };
    const columns = Object.entries(values);
    const row = columns.map(([name, [sql, type]]) => `cast(${sql} as ${type}) as \`${name}\``).join(', ');
    const none = columns.map(([, [, type]]) => `cast(null as ${type})`).join(', ');
    const rows = await shared.rows(`select 1 as nr, ${row} union all select 2, ${none} order by nr`);
    expect(rows[0]).toEqual({
      nr: 1,
      ...Object.fromEntries(columns.map(([name, [, , expected]]) => [name, expected])),
    });
    expect(rows[1]).toEqual({ nr: 2, ...Object.fromEntries(columns.map(([name]) => [name, null])) });
  });

  it('may be none', async () => {
    expect(await shared.rows('select 1 as a, cast(null as string) as b where false')).toEqual([]);
  });

  it('are returned in chunks if there are too many for one', async () => {
    const rows = await shared.rows('select id, if(id % 3 = 0, null, cast(id as string)) as name from range(250001)');
    expect(rows).toHaveLength(250_001);
    expect(rows[100_000]).toEqual({ id: 100_000, name: '100000' });
    expect(rows[249_999]).toEqual({ id: 249_999, name: null });
    expect(new Set(rows.map(({ id }) => id)).size).toBe(250_001);
  });

  it('are all returned if they exactly fill one chunk', async () => {
    expect(await shared.rows('select id from range(100000)')).toHaveLength(100_000);
  });
});

describe('a statement that fails', () => {
  it.each([
    ['select * from nowhere.nothing', '42P01', 'TABLE_OR_VIEW_NOT_FOUND'],
    ['selekt 1', '42601', 'PARSE_SYNTAX_ERROR'],
    ['select 1/0', '22012', 'DIVIDE_BY_ZERO'],
    ["select cast('x' as int)", '22018', 'CAST_INVALID_INPUT'],
    ["copy into t from '/Volumes/a/b/c'", '0A000', "doesn't support COPY INTO"],
  ])('has a plain message and its SQLSTATE: %s', async (sql, sqlState, words) => {
    const failing = shared.rows(sql);
    await expect(failing).rejects.toMatchObject({ sqlState, message: expect.stringContaining(words) });
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringMatching(/\tat |Exception/) });
  });

  it('leaves its session usable', async () => {
    await expect(shared.run('select * from nowhere')).rejects.toThrow();
    expect(await shared.rows('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a session', () => {
  it('has the catalog hive_metastore, as on Databricks', async () => {
    await shared.run('create schema if not exists hive_metastore.named');
    await shared.run('create or replace table `hive_metastore`.named.t as select 7 as seven');
    expect(await shared.rows('select seven from hive_metastore.named.t')).toEqual([{ seven: 7 }]);
    expect(await shared.rows("select 'hive_metastore.named' as text")).toEqual([{ text: 'hive_metastore.named' }]);
  });

  it('starts in the requested schema, even if it does not exist yet', async () => {
    await shared.run('create schema if not exists begun');
    const inside = await session({ catalog: 'hive_metastore', schema: 'begun' });
    expect(await inside.rows('select current_schema() as name')).toEqual([{ name: 'begun' }]);
    const early = await session({ catalog: 'hive_metastore', schema: 'not_yet' });
    expect(await early.rows('select current_schema() as name')).toEqual([{ name: 'default' }]);
  });

  it('is rejected for a catalog that the rehearsal does not have', async () => {
    const opening = connectDatabricks({ ...(await driver()), catalog: 'main' });
    await expect(opening).rejects.toThrow('has no catalog main');
  });

  it('has its own settings and temporary views', async () => {
    const [one, other] = await Promise.all([
      session({ configuration: { timezone: 'Europe/Amsterdam' } }),
      session({ configuration: { ansi_mode: 'false' } }),
    ]);
    await one.run('create temporary view mine as select 1 as a');
    await expect(other.rows('select * from mine')).rejects.toMatchObject({ sqlState: '42P01' });
    expect(await one.rows('select current_timezone() as zone')).toEqual([{ zone: 'Europe/Amsterdam' }]);
    expect(await other.rows("select current_timezone() as zone, cast('x' as int) as lax")).toEqual([
      { zone: 'UTC', lax: null },
    ]);
  });

  it('runs statements concurrently with other sessions', async () => {
    const [one, other] = await Promise.all([session(), session()]);
    const slow = one.rows('select count(*) as n from range(100000000) where hash(id) % 7 = 3');
    const quick = Array.from({ length: 5 }, (_, i) => other.rows(`select ${i} as i`));
    expect(await Promise.all(quick)).toEqual([0, 1, 2, 3, 4].map((i) => [{ i }]));
    expect((await slow)[0]?.n).toBeGreaterThan(0);
  });
});

/** Before Spark has begun, while the client waits for the first answer, and after it has been told to ask again. */
const MOMENTS_MS = [0, 300, 1000, 7000];

describe(`a statement that is cancelled (${howSampled})`, () => {
  it.each(sampled(MOMENTS_MS, 2))('%i ms after its start also ends on the warehouse', async (ms) => {
    const one = await session();
    const stop = new AbortController();
    const endless = one.rows(ENDLESS, { signal: stop.signal });
    const ended = expect(endless).rejects.toThrow('Interrupted');
    await delay(ms);
    stop.abort();
    await ended;
    // If the statement still occupied the cores, this would take minutes.
    expect(await one.rows('select count(*) as n from range(10)')).toEqual([{ n: 10 }]);
  });
});

describe('access to the rehearsal', () => {
  it('needs the token', async () => {
    const opening = connectDatabricks({ ...(await driver()), token: 'dapi-guessed' });
    await expect(opening).rejects.toThrow('does not accept the credentials');
  });

  it('is protected by files that only the owner can read, and by logs without secrets', async () => {
    const { stateFile, tokenFile } = { stateFile: 'rehearsal.json', tokenFile: 'token' };
    for (const name of [stateFile, tokenFile, 'conf/spark.args']) {
      expect((await stat(join(paths.state, 'rehearsal', name))).mode & 0o077).toBe(0);
    }
    const written = await readFile(join(paths.state, 'rehearsal', stateFile), 'utf8');
    const { token = '' } = await driver();
    expect(written).not.toContain(token);
    const logs = await Promise.all((await rehearsal('status')).logs.map((log) => readFile(log, 'utf8')));
    expect(logs.join('')).not.toContain(token);
  });
});

describe('a statement', () => {
  const outside = (): string => join(folder, 'outside');

  beforeAll(async () => {
    await mkdir(outside());
    await writeFile(join(outside(), 'secret.csv'), 'secret');
    await shared.run('create volume if not exists main.raw.links');
    await symlink(outside(), join(paths.state, 'rehearsal/volumes/main/raw/links/away'));
    await shared.run('create or replace table whole as select 1 as a');
    await shared.run('create table if not exists in_hive (a string) stored as textfile');
  });

  /** `OUT` is replaced with a folder of the user, and `STATE` with the state folder. */
  it.each([
    ['text.`OUT/secret.csv`', 'select * from text.`OUT/secret.csv`'],
    ['a URI', 'select * from csv.`file://OUT/secret.csv`'],
    ['a pattern', 'select * from binaryFile.`file:OUT/*`'],
    ['the token', 'select * from text.`STATE/rehearsal/token`'],
    ["Spark's own configuration", 'select * from text.`STATE/rehearsal/conf/hive-site.xml`'],
    ["Spark's scratch folder", 'select * from text.`STATE/rehearsal/scratch/derby.log`'],
    ['the metastore', 'select * from binaryFile.`STATE/rehearsal/metastore/service.properties`'],
    ['a volume with dots', 'select * from text.`STATE/rehearsal/volumes/main/../../../../outside/secret.csv`'],
    ['a symbolic link in a volume', 'select * from text.`STATE/rehearsal/volumes/main/raw/links/away/secret.csv`'],
    ['an existing table', "create table seen using text location 'OUT/secret.csv'"],
    ['a reader option', "create temporary view seen using csv options (path 'OUT/secret.csv')"],
    ['an XML schema', "select from_xml('<a/>', 'b int', map('rowValidationXSDPath', 'OUT/secret.csv'))"],
    ['LOAD DATA', "load data local inpath 'OUT/secret.csv' into table in_hive"],
    ['a new table', "create table made (a int) location 'OUT/made'"],
    ['a new table from a query', "create table made using parquet location 'OUT/made' as select 1 as a"],
    ['a new schema', "create schema made location 'OUT/made'"],
    ['a directory', "insert overwrite directory 'OUT/made' using csv select 1"],
    ['a local directory', "insert overwrite local directory 'OUT/made' row format delimited select 1"],
    ['a clone', "create table made shallow clone whole location 'OUT/made'"],
    ['a conversion', 'convert to delta parquet.`OUT`'],
    ['a vacuum', 'vacuum delta.`OUT` retain 200 hours'],
  ])('cannot read or write files outside of volumes and tables: %s', async (_what, sql) => {
    const placed = sql.replaceAll('OUT', outside()).replaceAll('STATE', paths.state);
    await expect(shared.rows(placed)).rejects.toMatchObject({ sqlState: '42501' });
    expect(await readdir(outside())).toEqual(['secret.csv']);
  });

  it.each([
    "select java_method('java.lang.System', 'getProperty', 'user.home')",
    "select reflect('java.lang.System', 'getenv', 'PATH')",
    "create table lurking (a string default java_method('java.lang.System', 'getenv', 'PATH'))",
    "create function f as 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFReflect'",
    "select transform(a) using 'cat /etc/hostname' as (x string) from values (1) t(a)",
    "add jar '/tmp/any.jar'",
    "add file '/etc/hostname'",
    "create table other using jdbc options (url 'jdbc:derby:memory:x;create=true', dbtable 'x')",
    'set spark.sql.variable.substitute = true',
    'set spark.sql.catalog.other = org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog',
  ])('cannot run custom code: %s', async (sql) => {
    await expect(shared.rows(sql)).rejects.toMatchObject({
      sqlState: '0A000',
      message: expect.stringContaining("doesn't support"),
    });
  });

  it('cannot read the environment', async () => {
    // Spark's syntax for variable substitution.
    const [path, home] = ['env:PATH', 'system:user.home'].map((name) => `\${${name}}`);
    const rows = await shared.rows(`select '${path}' as path, '${home}' as home`);
    expect(rows).toEqual([{ path, home }]);
  });

  it.each([
    ['insert into changed select id, 0 from range(7)', 7],
    ['update changed set v = 1 where id < 3', 3],
    [
      'merge into changed t using (select 1 as id union all select 99) s on t.id = s.id when matched then update set v = 9 when not matched then insert (id, v) values (s.id, 0)',
      2,
    ],
    ['insert overwrite changed select id, 1 from range(4)', 4],
    ['delete from changed where id >= 2', 2],
    ['delete from changed where id = 1234', 0],
  ])('returns the number of changed rows: %s', async (sql, expected) => {
    await shared.run('create table if not exists changed (id bigint, v int)');
    const [row] = await shared.rows(sql);
    expect(Number(row?.num_affected_rows)).toBe(expected);
  });
});

describe('files in a volume', () => {
  const volume = '/Volumes/main/raw/drops';

  beforeAll(() => shared.run('create volume if not exists main.raw.drops'));

  it('can be uploaded, read with SQL, downloaded unchanged, and removed', async () => {
    const [up, down] = [join(folder, 'up.bin'), join(folder, 'down.bin')];
    await writeFile(up, randomBytes(3_000_000));
    await shared.put(up, `${volume}/a/up.bin`);
    await shared.put(up, `${volume}/a/up.bin`);
    expect(await shared.rows(`list '${volume}/a'`)).toMatchObject([{ name: 'up.bin', size: 3_000_000 }]);
    const [row] = await shared.rows(`select sha2(content, 256) as sum from binaryFile.\`${volume}/a/up.bin\``);
    expect(row?.sum).toBe(
      createHash('sha256')
        .update(await readFile(up))
        .digest('hex'),
    );
    await shared.get(`${volume}/a/up.bin`, down);
    expect((await readFile(down)).equals(await readFile(up))).toBe(true);
    await shared.remove(`${volume}/a/up.bin`);
    expect(await shared.rows(`list '${volume}/a'`)).toEqual([]);
    await shared.remove(`${volume}/a/up.bin`);
    await expect(shared.get(`${volume}/a/up.bin`, down)).rejects.toThrow('404');
  });

  it('can be written by a statement, and read by a view whose options name them', async () => {
    await shared.run(`insert overwrite directory '${volume}/written' using json select 7 as a`);
    await shared.run(`create temporary view of_volume using json options (path '${volume}/written')`);
    expect(await shared.rows('select * from of_volume')).toEqual([{ a: 7 }]);
    const outside = `${volume}/../../../../escaped`;
    await expect(shared.run(`insert overwrite directory '${outside}' using json select 1 as a`)).rejects.toThrow();
  });

  it.each([`${volume}/../../../../escaped`, '/Volumes/main/raw/elsewhere/x', '/etc/passwd'])(
    'cannot be placed elsewhere: %s',
    async (path) => {
      const file = join(folder, 'evil');
      await writeFile(file, 'evil');
      await expect(shared.put(file, path)).rejects.toThrow(/INVALID_VOLUME_PATH|VOLUME_NOT_FOUND/);
      await expect(shared.get(path, join(folder, 'stolen'))).rejects.toThrow(/INVALID_VOLUME_PATH|VOLUME_NOT_FOUND/);
      expect(existsSync(join(folder, 'stolen'))).toBe(false);
    },
  );

  it('can only be accessed with an issued URL', async () => {
    const { port, caFile } = await driver();
    const ca = await readFile(caFile ?? '');
    const status = await new Promise((resolve, reject) => {
      const target = { host: 'localhost', port, ca, method: 'PUT', path: '/_staging/main/raw/drops/x' };
      request(target, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end('x');
    });
    expect(status).toBe(403);
    expect((await shared.rows(`list '${volume}'`)).map(({ name }) => name)).not.toContain('x');
  });
});

describe('Delta', () => {
  it('merges, keeps versions, and restores one of them', async () => {
    await shared.run('create schema if not exists delta_tests');
    await shared.run("create or replace table delta_tests.t as select 1 as id, 'a' as v union all select 2, 'b'");
    await shared.run(`merge into delta_tests.t using (select 2 as id, 'B' as v union all select 3, 'c') s on t.id = s.id
      when matched then update set v = s.v when not matched then insert (id, v) values (s.id, s.v)`);
    const all = 'select id, v from delta_tests.t order by id';
    expect(await shared.rows(all)).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'B' },
      { id: 3, v: 'c' },
    ]);
    await shared.run('restore table delta_tests.t to version as of 0');
    expect(await shared.rows(all)).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ]);
  });
});

describeClients(async () => {
  const { host, port, httpPath, token, caFile } = (await rehearsalConnection(paths, effects)).driver;
  return { paths, effects, connection: { host, port, httpPath, token, caFile } };
});

describe('the rehearsal', () => {
  it('is left unchanged if it is started again', async () => {
    const before = await rehearsal('status');
    const again = await rehearsal('up');
    expect(again).toMatchObject({ status: 'up', changed: false, processes: before.processes });
  });

  it(
    'restarts Spark after it was killed, with all its tables',
    async () => {
      await shared.run('create or replace table kept as select 42 as answer');
      const { processes } = await rehearsal('status');
      const spark = sparkOf(processes);
      process.kill(spark, 'SIGKILL');
      await expect(shared.rows('select 1')).rejects.toThrow(/session is closed|connection to the rehearsal/i);
      shared = await reconnected(shared);
      expect(await shared.rows('select answer from kept')).toEqual([{ answer: 42 }]);
      expect(isAlive(spark)).toBe(false);
    },
    START_MS,
  );

  it(
    'leaves no Spark behind when its gateway is killed, and can be started again',
    async () => {
      const { processes } = await rehearsal('status');
      const spark = sparkOf(processes);
      for (const pid of processes.filter((pid) => pid !== spark)) process.kill(pid, 'SIGKILL');
      await untilGone(processes);
      expect(await rehearsal('status')).toMatchObject({ status: 'down', processes: [] });
      expect(await rehearsal('up')).toMatchObject({ status: 'up', changed: true });
      shared = await reconnected(shared);
      expect(await shared.rows('select answer from kept')).toEqual([{ answer: 42 }]);
    },
    START_MS,
  );

  it('leaves no process behind after it was stopped', async () => {
    const { processes } = await rehearsal('status');
    expect(processes).toHaveLength(2);
    expect(await rehearsal('down')).toMatchObject({ status: 'down', changed: true, processes: [] });
    expect(processes.filter(isAlive)).toEqual([]);
    expect(await run({ paths, action: 'status' }, effects)).toMatchObject({ exitCode: 1, report: { status: 'down' } });
    expect(await rehearsal('down')).toMatchObject({ status: 'down', changed: false });
    await expect(rehearsalConnection(paths, effects)).rejects.toThrow('./meetup rehearsal up');
  });
});

async function reconnected(before: DatabricksConnection): Promise<DatabricksConnection> {
  await before.close();
  return connectDatabricks(await driver());
}

async function untilGone(processes: readonly number[]): Promise<void> {
  for (let i = 0; i < 1200 && processes.some(isAlive); i += 1) await delay(50);
}
