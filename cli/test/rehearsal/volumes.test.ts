import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/rehearsal/gateway/listen.ts';
import { answerAboutVolumes } from '../../src/rehearsal/gateway/volume-answers.ts';
import { StatementError } from '../../src/rehearsal/sql/errors.ts';
import { tokens } from '../../src/rehearsal/sql/tokens.ts';
import { volumeStatement } from '../../src/rehearsal/volumes/statements.ts';
import { Tickets } from '../../src/rehearsal/volumes/tickets.ts';
import { STAGING, transfer } from '../../src/rehearsal/volumes/transfer.ts';
import { Volumes } from '../../src/rehearsal/volumes/volumes.ts';
import { temporaryFolder } from '../support/effects.ts';

async function volumesWithOne(): Promise<{ root: string; volumes: Volumes }> {
  const root = await temporaryFolder();
  const volumes = new Volumes(root);
  await volumes.create(['main', 'raw', 'drops']);
  return { root, volumes };
}

describe('a path in a volume', () => {
  it('refers to a file in the folder of its volume, whose name is case-insensitive', async () => {
    const { root, volumes } = await volumesWithOne();
    expect(volumes.file('/Volumes/main/raw/drops/2026/e.parquet')).toBe(join(root, 'main/raw/drops/2026/e.parquet'));
    expect(volumes.file('/Volumes/Main/RAW/Drops/E.parquet')).toBe(join(root, 'main/raw/drops/E.parquet'));
  });

  it.each(['100%.csv', 'a%20b', '50%25', 'grüße%c3%9f', 'a..b', '..a'])('may contain the name %j', async (name) => {
    const { root, volumes } = await volumesWithOne();
    expect(volumes.file(`/Volumes/main/raw/drops/${name}`)).toBe(join(root, 'main/raw/drops', name));
  });

  it.each([
    '/Volumes/main/raw/drops/../../../etc/passwd',
    '/Volumes/main/raw/../raw/drops/x',
    '/Volumes/main/raw/drops/./x',
    '/Volumes/main/raw/drops//x',
    '/Volumes/../raw/drops/x',
    '/Volumes/main/raw/drops/a\\..\\..\\b',
    '/Volumes/main/raw/drops/a\0b',
    '/Volumes/main/raw/drops/..%2f..%2fx',
    '/Volumes/main/raw/drops/%2e%2e/x',
    '/Volumes/main/raw/drops/..%252F..%252Fx',
    '/Volumes/main/raw/drops/a%25252fb',
    '/Volumes/main/raw/drops/..%5c..%5cx',
    '/Volumes/main/raw/drops/..%c0%af..%c0%afx',
    '/Volumes/main/raw/drops/a%00b',
    '/Volumes/main/raw%2f..%2fraw/drops/x',
    '/Volumes/main/raw',
    '/etc/passwd',
    'main/raw/drops/x',
  ])('cannot refer to anything else: %j', async (path) => {
    const { volumes } = await volumesWithOne();
    expect(() => volumes.file(path)).toThrow(StatementError);
  });

  it('does not follow a symbolic link out of the volume', async () => {
    const { root, volumes } = await volumesWithOne();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'secret'), 'x');
    await symlink(outside, join(root, 'main/raw/drops/link'));
    expect(() => volumes.file('/Volumes/main/raw/drops/link/secret')).toThrow('does not stay in its volume');
  });

  it('does not follow a dangling symbolic link', async () => {
    const { root, volumes } = await volumesWithOne();
    await symlink(join(root, 'gone'), join(root, 'main/raw/drops/link'));
    expect(() => volumes.file('/Volumes/main/raw/drops/link')).toThrow('does not stay in its volume');
    expect(() => volumes.file('/Volumes/main/raw/drops/link/x')).toThrow('does not stay in its volume');
  });

  it('needs an existing volume', async () => {
    const { volumes } = await volumesWithOne();
    expect(() => volumes.file('/Volumes/main/raw/others/x')).toThrow('VOLUME_NOT_FOUND');
  });
});

describe('a volume', () => {
  it('is created once, lists its files, and is dropped together with them', async () => {
    const { root, volumes } = await volumesWithOne();
    expect(await volumes.create(['MAIN', 'raw', 'drops'])).toBe(false);
    await mkdir(join(root, 'main/raw/drops/day'));
    await writeFile(join(root, 'main/raw/drops/day/b.parquet'), 'bb');
    await writeFile(join(root, 'main/raw/drops/day/a.parquet'), 'a');
    await writeFile(join(root, 'main/raw/drops/day/.upload-1'), 'half');
    const listed = await volumes.list('/Volumes/main/raw/drops/day/');
    expect(listed.map(({ path, size }) => [path, size])).toEqual([
      ['/Volumes/main/raw/drops/day/a.parquet', 1],
      ['/Volumes/main/raw/drops/day/b.parquet', 2],
    ]);
    expect(await volumes.drop(['main', 'raw', 'drops'])).toBe(true);
    expect(existsSync(join(root, 'main/raw/drops'))).toBe(false);
    expect(await volumes.drop(['main', 'raw', 'drops'])).toBe(false);
  });

  it('does not list symbolic links that are dangling or lead out of the volume', async () => {
    const { root, volumes } = await volumesWithOne();
    const folder = join(root, 'main/raw/drops');
    await writeFile(join(folder, 'b'), 'bb');
    await symlink(join(folder, 'b'), join(folder, 'c'));
    await symlink(join(folder, 'gone'), join(folder, 'd'));
    await symlink('/', join(folder, 'a'));
    expect((await volumes.list('/Volumes/main/raw/drops')).map(({ name, size }) => [name, size])).toEqual([
      ['b', 2],
      ['c', 2],
    ]);
    expect(await volumes.list('/Volumes/main/raw/drops/none')).toEqual([]);
    await expect(volumes.list('/Volumes/main/raw/drops/b')).rejects.toThrow('is a file, not a folder');
  });

  it.each(['main', 'main/raw', 'main/raw/drops'])(
    'is rejected if part of its path is a symbolic link: %s',
    async (link) => {
      const root = await temporaryFolder();
      const outside = await temporaryFolder();
      for (const folder of ['drops', 'raw/drops', '.']) await mkdir(join(outside, folder), { recursive: true });
      await writeFile(join(outside, 'thesis'), 'mine');
      await mkdir(dirname(join(root, link)), { recursive: true });
      await symlink(outside, join(root, link));
      const volumes = new Volumes(root);
      const name = ['main', 'raw', 'drops'];
      expect(() => volumes.file('/Volumes/main/raw/drops/x')).toThrow('INVALID_VOLUME_PATH');
      for (const action of [
        () => volumes.list('/Volumes/main/raw/drops'),
        () => volumes.create(name),
        () => volumes.drop(name),
      ]) {
        await expect(action()).rejects.toThrow('INVALID_VOLUME_PATH');
      }
      expect((await readdir(outside)).sort()).toEqual(['drops', 'raw', 'thesis']);
    },
  );

  it('is cleaned of interrupted uploads, and of nothing else', async () => {
    const { root, volumes } = await volumesWithOne();
    const outside = await temporaryFolder();
    await writeFile(join(outside, '.upload-theirs'), '');
    const folder = join(root, 'main/raw/drops');
    await symlink(outside, join(folder, 'link'));
    await mkdir(join(folder, 'day'));
    for (const name of ['.upload-1', 'day/.upload-2', 'day/upload-3', 'day/.hidden']) {
      await writeFile(join(folder, name), 'half');
    }
    await volumes.removeLeftovers();
    expect((await readdir(folder)).sort()).toEqual(['day', 'link']);
    expect((await readdir(join(folder, 'day'))).sort()).toEqual(['.hidden', 'upload-3']);
    expect(existsSync(join(outside, '.upload-theirs'))).toBe(true);
    await new Volumes(join(root, 'none')).removeLeftovers();
  });

  it.each([
    ['main', '..', 'drops'],
    ['main', 'raw', ''],
    ['main', 'raw', 'a/b'],
  ])('cannot have an invalid name: %s.%s.%s', async (...name) => {
    const { volumes } = await volumesWithOne();
    await expect(async () => volumes.create(name)).rejects.toThrow(StatementError);
  });
});

describe('a statement about volumes', () => {
  it.each([
    [
      "PUT '/home/me/a' INTO '/Volumes/m/r/d/a' OVERWRITE",
      { verb: 'PUT', localFile: '/home/me/a', path: '/Volumes/m/r/d/a', overwrite: true },
    ],
    [
      "put 'it\\'s' into '/Volumes/m/r/d/a';",
      { verb: 'PUT', localFile: "it's", path: '/Volumes/m/r/d/a', overwrite: false },
    ],
    [
      "-- down\nGET '/Volumes/m/r/d/a' TO '/home/me/a'",
      { verb: 'GET', localFile: '/home/me/a', path: '/Volumes/m/r/d/a' },
    ],
    ["REMOVE '/Volumes/m/r/d/a'", { verb: 'REMOVE', path: '/Volumes/m/r/d/a' }],
    ["LIST '/Volumes/m/r/d'", { verb: 'LIST', path: '/Volumes/m/r/d' }],
    ["CREATE VOLUME IF NOT EXISTS `m`.r.d COMMENT 'x'", { verb: 'CREATE', name: ['m', 'r', 'd'], lenient: true }],
    ['create volume r.d', { verb: 'CREATE', name: ['hive_metastore', 'r', 'd'], lenient: false }],
    ["create volume if not exists `d` comment 'x'", { verb: 'CREATE', name: ['d'], lenient: true }],
    ['DESCRIBE VOLUME m.r.`d`', { verb: 'DESCRIBE', name: ['m', 'r', 'd'] }],
    ["SHOW VOLUMES IN m.r LIKE 'd*'", { verb: 'SHOW', schema: ['m', 'r'], like: 'd*' }],
    ['SHOW VOLUMES', { verb: 'SHOW', schema: [], like: undefined }],
    ['DROP VOLUME m.r.d', { verb: 'DROP', name: ['m', 'r', 'd'], lenient: false }],
  ])('is parsed: %s', (sql, expected) => {
    expect(volumeStatement(tokens(sql))).toEqual(expected);
  });

  it.each(['select 1', 'create table volume as select 1', 'drop table t', "select 'PUT'"])(
    'is not confused with other statements: %s',
    (sql) => {
      expect(volumeStatement(tokens(sql))).toBeUndefined();
    },
  );

  it.each([
    "PUT '/home/me/a'",
    "PUT '/home/me/a' INTO b",
    "GET '/Volumes/m/r/d/a'",
    'CREATE VOLUME a.b.c.d',
    "REMOVE '/a' '/b'",
  ])('is rejected if it is incomplete: %s', (sql) => {
    expect(() => volumeStatement(tokens(sql))).toThrow('42601');
  });
});

describe('the answer to a statement about files', () => {
  const answerTo = async (statement: string) => {
    const { root, volumes } = await volumesWithOne();
    await mkdir(join(root, 'main/raw/drops/day'));
    await writeFile(join(root, 'main/raw/drops/day/a'), 'a');
    const currentSchema = async (): Promise<string> => 'marts';
    return answerAboutVolumes(tokens(statement), {
      volumes,
      tickets: new Tickets(() => 0),
      origin: 'https://host',
      currentSchema,
    });
  };

  it.each([
    ["PUT '/home/me/a' INTO '/Volumes/main/raw/drops/day/a'", '42710', 'use OVERWRITE'],
    ["PUT '/home/me/a' INTO '/Volumes/main/raw/drops/day' OVERWRITE", '42710', 'is a folder'],
    ["PUT '/home/me/a' INTO '/Volumes/main/raw/drops' OVERWRITE", '42710', 'is a folder'],
  ])('is an error if the target already exists: %s', async (statement, sqlState, words) => {
    await expect(answerTo(statement)).rejects.toMatchObject({ sqlState, message: expect.stringContaining(words) });
  });

  it.each([
    ['DESCRIBE VOLUME main.raw.others', '42704'],
    ['CREATE EXTERNAL VOLUME main.raw.others LOCATION "s3://bucket"', '0A000'],
    ["PUT '' INTO '/Volumes/main/raw/drops/a'", '22023'],
  ])('is an error with its SQLSTATE: %s', async (statement, sqlState) => {
    await expect(answerTo(statement)).rejects.toMatchObject({ sqlState });
  });

  it('lists the volumes of a schema, or describes one of them', async () => {
    expect((await answerTo('SHOW VOLUMES IN main.raw'))?.sql).toContain("values ('drops')");
    expect((await answerTo('DESCRIBE VOLUME Main.raw.drops'))?.sql).toContain("'/Volumes/main/raw/drops'");
  });

  it("is about the session's schema if a volume is named without one", async () => {
    await expect(answerTo('DROP VOLUME drops')).rejects.toThrow('The volume hive_metastore.marts.drops does not exist');
    expect((await answerTo('SHOW VOLUMES'))?.sql).toContain("'marts' as database");
  });

  it('contains the URL for the transfer', async () => {
    const answer = await answerTo("GET '/Volumes/main/raw/drops/day/a' TO '/home/me/a'");
    expect(answer?.isStaging).toBe(true);
    expect(answer?.sql).toContain('https://host/_staging/');
  });
});

describe('a file transfer', () => {
  /** Downloads a file with a ticket over HTTP. */
  async function transferred(file: string): Promise<{ status: number; body: string }> {
    const tickets = new Tickets(() => 0);
    const server = createServer((request, response) => void transfer(tickets, request, response));
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const response = await fetch(`http://127.0.0.1:${port}${STAGING}${tickets.issue({ method: 'GET', file })}`);
    return { status: response.status, body: await response.text() };
  }

  it('returns the whole file', async () => {
    const file = join(await temporaryFolder(), 'a');
    await writeFile(file, 'x'.repeat(300_000));
    expect(await transferred(file)).toEqual({ status: 200, body: 'x'.repeat(300_000) });
  });

  it('responds with 404 to a folder or a removed file', async () => {
    const folder = await temporaryFolder();
    expect((await transferred(folder)).status).toBe(404);
    expect((await transferred(join(folder, 'gone'))).status).toBe(404);
  });
});

describe('the ticket for a file transfer', () => {
  it('is valid for one transfer with its own method', () => {
    const tickets = new Tickets(() => 0);
    const name = tickets.issue({ method: 'PUT', file: '/a' });
    expect(tickets.redeem(name, 'GET')).toBeUndefined();
    expect(tickets.redeem(name, 'PUT')?.file).toBe('/a');
    expect(tickets.redeem(name, 'PUT')).toBeUndefined();
    expect(tickets.redeem('guessed', 'PUT')).toBeUndefined();
  });

  it('expires after a quarter of an hour', () => {
    let now = 0;
    const tickets = new Tickets(() => now);
    const name = tickets.issue({ method: 'GET', file: '/a' });
    now = 15 * 60_000 + 1;
    expect(tickets.redeem(name, 'GET')).toBeUndefined();
  });
});
