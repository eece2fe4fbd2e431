import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatementError } from '../../src/rehearsal/sql/errors.ts';
import { volumeStatement } from '../../src/rehearsal/volumes/statements.ts';
import { Tickets } from '../../src/rehearsal/volumes/tickets.ts';
import { Volumes } from '../../src/rehearsal/volumes/volumes.ts';
import { temporaryFolder } from '../support/effects.ts';

async function volumesWithOne(): Promise<{ root: string; volumes: Volumes }> {
  const root = await temporaryFolder();
  const volumes = new Volumes(root);
  await volumes.create(['main', 'raw', 'drops']);
  return { root, volumes };
}

describe('a path in a volume', () => {
  it('means a file below the folder of its volume, whose name has no case', async () => {
    const { root, volumes } = await volumesWithOne();
    expect(volumes.file('/Volumes/main/raw/drops/2026/e.parquet')).toBe(join(root, 'main/raw/drops/2026/e.parquet'));
    expect(volumes.file('/Volumes/Main/RAW/Drops/E.parquet')).toBe(join(root, 'main/raw/drops/E.parquet'));
  });

  it.each([
    '/Volumes/main/raw/drops/../../../etc/passwd',
    '/Volumes/main/raw/../raw/drops/x',
    '/Volumes/main/raw/drops/./x',
    '/Volumes/main/raw/drops//x',
    '/Volumes/../raw/drops/x',
    '/Volumes/main/raw/drops/a\\..\\..\\b',
    '/Volumes/main/raw/drops/a\0b',
    '/Volumes/main/raw',
    '/etc/passwd',
    'main/raw/drops/x',
  ])('never means anything else: %j', async (path) => {
    const { volumes } = await volumesWithOne();
    expect(() => volumes.file(path)).toThrow(StatementError);
  });

  it('does not follow a link that leads out', async () => {
    const { root, volumes } = await volumesWithOne();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'secret'), 'x');
    await symlink(outside, join(root, 'main/raw/drops/link'));
    expect(() => volumes.file('/Volumes/main/raw/drops/link/secret')).toThrow('does not stay in its volume');
  });

  it('needs its volume to be there', async () => {
    const { volumes } = await volumesWithOne();
    expect(() => volumes.file('/Volumes/main/raw/others/x')).toThrow('VOLUME_NOT_FOUND');
  });
});

describe('a volume', () => {
  it('is made once, lists its files, and goes with them', async () => {
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

  it.each([
    ['main', '..', 'drops'],
    ['main', 'raw', ''],
    ['main', 'raw', 'a/b'],
  ])('has a proper name: %s.%s.%s', async (...name) => {
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
    ['DROP VOLUME m.r.d', { verb: 'DROP', name: ['m', 'r', 'd'], lenient: false }],
  ])('is understood: %s', (sql, expected) => {
    expect(volumeStatement(sql)).toEqual(expected);
  });

  it.each(['select 1', 'create table volume as select 1', 'drop table t', "select 'PUT'"])(
    'is not seen where there is none: %s',
    (sql) => {
      expect(volumeStatement(sql)).toBeUndefined();
    },
  );

  it.each([
    "PUT '/home/me/a'",
    "PUT '/home/me/a' INTO b",
    "GET '/Volumes/m/r/d/a'",
    'CREATE VOLUME d',
    "REMOVE '/a' '/b'",
  ])('is refused where it is not whole: %s', (sql) => {
    expect(() => volumeStatement(sql)).toThrow('42601');
  });
});

describe('the right to a transfer', () => {
  it('is good for one transfer, of its kind', () => {
    const tickets = new Tickets(() => 0);
    const name = tickets.issue({ method: 'PUT', file: '/a' });
    expect(tickets.redeem(name, 'GET')).toBeUndefined();
    expect(tickets.redeem(name, 'PUT')?.file).toBe('/a');
    expect(tickets.redeem(name, 'PUT')).toBeUndefined();
    expect(tickets.redeem('guessed', 'PUT')).toBeUndefined();
  });

  it('ends after a quarter of an hour', () => {
    let now = 0;
    const tickets = new Tickets(() => now);
    const name = tickets.issue({ method: 'GET', file: '/a' });
    now = 15 * 60_000 + 1;
    expect(tickets.redeem(name, 'GET')).toBeUndefined();
  });
});
