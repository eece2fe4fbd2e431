import { mkdir, open, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MeetupError } from '../../src/config/errors.ts';
import { sentenceOf } from '../../src/config/explain.ts';
import { fileProblem } from '../../src/config/file-errors.ts';
import { readJsonFile } from '../../src/config/json-file.ts';
import { temporaryFolder } from '../support/effects.ts';

/** The error that this work fails with. */
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('an unexpected file system error', () => {
  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['a missing file', (folder) => readFile(join(folder, 'none')), /none can't be read because it does not exist\.$/],
    ['a folder', (folder) => readFile(folder), /can't be read because it is a folder, not a file\.$/],
    [
      'a file as a folder',
      (folder) => readdir(join(folder, 'file')),
      /file can't be read because a part of its path is a file/,
    ],
    [
      'circular symbolic links',
      (folder) => readFile(join(folder, 'loop')),
      /loop can't be read because its symbolic links form a loop/,
    ],
    [
      'a long name',
      (folder) => writeFile(join(folder, 'x'.repeat(300)), ''),
      /can't be (read|written) because its name is too long/,
    ],
    ['a full disk', () => writeFile('/dev/full', 'x'), /can't be written because the disk is full/],
    [
      'a folder that is not empty',
      (folder) => rename(join(folder, 'a'), join(folder, 'b')),
      /can't be written because the folder is not empty/,
    ],
    [
      'a missing file in /proc',
      () => open('/proc/meetup', 'w'),
      /\/proc\/meetup can't be read because it does not exist/,
    ],
  ])('is one sentence with the file and the reason: %s', async (_name, work, sentence) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await symlink('loop', join(folder, 'loop'));
    for (const name of ['a', 'b']) await mkdir(join(folder, name, 'inner'), { recursive: true });
    const message = sentenceOf(await errorOf(work(folder)));
    expect(message).toMatch(sentence);
    expect(message).not.toMatch(/E[A-Z]{3,}|meetup itself/);
  });

  it.each(['EACCES', 'EDQUOT', 'EIO', 'EMFILE', 'ENOSPC', 'EPERM', 'EROFS', 'ESTALE'])(
    'explains %s in words',
    (code) => {
      const error = Object.assign(new Error(`${code}: system words`), { code, syscall: 'open', path: '/x' });
      expect(sentenceOf(error)).toMatch(/^\/x can't be read because [a-z -]+\.$/);
    },
  );

  it('includes the given advice, and other errors stay unchanged', async () => {
    const folder = await temporaryFolder();
    const error = await errorOf(readFile(join(folder, 'none')));
    expect(fileProblem(error, 'a.sql', { advice: 'check --file' })).toEqual(
      new MeetupError("a.sql can't be read because it does not exist: check --file."),
    );
    const defect = new TypeError('x is not a function');
    expect(fileProblem(defect, 'a.sql')).toBe(defect);
    expect(sentenceOf(defect)).toMatch(/^Internal error in meetup: x is not a function/);
  });
});

describe('an unexpected DuckDB error', () => {
  it('is reported by its first line', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const error = await errorOf(connection.run("attach '/none/x.duckdb' as x"));
    instance.closeSync();
    expect(sentenceOf(error)).toMatch(/^DuckDB failed: IO Error: .*\/none\/x\.duckdb/);
  });
});

describe('a JSON file from another program', () => {
  it.each([
    ['{"a": ', /x\.json is not JSON \(.+\): remove it\.$/],
    ['{"a": "b"}', /x\.json is invalid at a \(.+\): remove it\.$/],
    ['[]', /x\.json is invalid \(.+\): remove it\.$/],
  ])('is rejected with one sentence if it is invalid: %s', async (text, sentence) => {
    const file = join(await temporaryFolder(), 'x.json');
    await writeFile(file, text);
    const error = await errorOf(readJsonFile(file, z.object({ a: z.number() }), 'remove it'));
    expect(error).toBeInstanceOf(MeetupError);
    expect(sentenceOf(error)).toMatch(sentence);
  });
});
