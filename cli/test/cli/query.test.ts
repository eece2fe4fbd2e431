import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Paths } from '../../src/config/paths.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { temporaryPaths } from '../support/effects.ts';
import { runInProcess } from '../support/run-cli.ts';

async function database(): Promise<Paths> {
  const paths = await temporaryPaths();
  const work = await openWork(paths);
  await work.run('create schema marts');
  await work.run('create table marts.numbers as select 1 as n');
  await work.close();
  await publish(paths);
  return paths;
}

const query = (paths: Paths, words: readonly string[], options: { stdin?: string } = {}) =>
  runInProcess(['query', '--json', '--state-dir', paths.state, ...words], options);

describe('meetup query', () => {
  it.each([
    '-- comment\nselect 1 as n',
    '--comment\nselect 1 as n',
    '--json=1\nselect 1 as n'.replace('--json=1', '--jason=1'),
    '--quiet at night\nselect 1 as n',
    '-- a\n-- b\r\nselect 1 as n',
    '/* block */ select 1 as n',
    '\n  -- indented\nselect 1 as n;',
    'select 1 as n -- at the end',
  ])('reads SQL from an argument, whatever comments it contains: %j', async (sql) => {
    const { exitCode, stdout, stderr } = await query(await database(), [sql]);
    expect([exitCode, stdout, stderr]).toEqual([0, '[{"n":1}]\n', '']);
  });

  it('reads SQL from a file, with or without a byte order mark', async () => {
    const paths = await database();
    const file = join(paths.state, 'q.sql');
    await writeFile(file, '\ufeff-- all\nselect n from numbers;\n');
    for (const words of [['-f', file], ['--file', file], [`--file=${file}`]]) {
      expect(await query(paths, words)).toMatchObject({ exitCode: 0, stdout: '[{"n":1}]\n' });
    }
  });

  it('reads SQL that is piped into stdin', async () => {
    const paths = await database();
    for (const words of [[], ['-f', '-'], ['-']]) {
      expect(await query(paths, words, { stdin: '-- hello\nselect n from numbers' })).toMatchObject({
        exitCode: 0,
        stdout: '[{"n":1}]\n',
      });
    }
  });

  it.each<[string, string[], string | undefined, RegExp]>([
    ['nothing on a terminal', [], undefined, /query takes SQL: give it as an argument/],
    ['an empty pipe', [], '', /query takes SQL, but got no statement/],
    ['only a comment', ['-- nothing'], undefined, /got no statement/],
    ['only a semicolon', [';'], undefined, /got no statement/],
    ['SQL and a file', ['select 1', '-f', 'x.sql'], undefined, /either SQL or --file/],
    [
      'a file that does not exist',
      ['-f', '/none/x.sql'],
      undefined,
      /\/none\/x\.sql can't be read because it does not exist/,
    ],
    ['a folder', ['-f', '/'], undefined, /can't be read because it is a folder/],
    ['an unknown option', ['--jsno', 'select 1'], undefined, /unknown option|too many arguments/],
    ['two statements as two arguments', ['select 1', 'select 2'], undefined, /too many arguments/],
  ])('rejects %s with a one-sentence error', async (_name, words, stdin, sentence) => {
    const { exitCode, stderr } = await query(await database(), words, stdin === undefined ? {} : { stdin });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(sentence);
  });

  it('rejects a file that is not text', async () => {
    const paths = await database();
    await mkdir(paths.state, { recursive: true });
    const file = join(paths.state, 'q.sql');
    await writeFile(file, Buffer.from([0x73, 0xff, 0xfe]));
    expect((await query(paths, ['-f', file])).stderr).toMatch(/q\.sql can't be read because it is not UTF-8/);
  });
});

describe('--target for a command that only works locally', () => {
  it.each([
    ['query', 'select 1'],
    ['load'],
    ['generate'],
    ['dev'],
    ['dev', '--watch'],
    ['clean'],
    ['test', 'new', 'dim_groups'],
  ])('is rejected: %s %s', async (...argv) => {
    const words = argv.filter((word) => word !== undefined);
    for (const target of ['prod', 'rehearsal']) {
      const { exitCode, stderr } = await runInProcess([...words, '--target', target]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(new RegExp(`only works locally and can't use --target ${target}`));
    }
  });
});
