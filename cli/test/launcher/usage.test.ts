import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.ts';

/** What a command line that is wrong says, and where. */
async function said(...argv: string[]) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const exitCode = await runCli(argv, {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
    clock: { now: () => 0, elapsed: () => 0 },
  });
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') };
}

describe('a command line that is wrong', () => {
  it.each([
    [['deploy', '--target', 'nowhere'], '--target takes dev, rehearsal or prod'],
    [['deploy', '--nonsense'], "unknown option '--nonsense'"],
    [['diff', '--from', 'dev'], "required option '--to <target>' not specified"],
    [['deploy'], "--target takes rehearsal or prod, but got 'dev'"],
  ])('ends with 2 and a sentence, and with --json one document: %s', async (argv, sentence) => {
    const plain = await said(...argv);
    expect(plain).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(sentence) });
    const { exitCode, stdout } = await said('--json', ...argv);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'error', error: expect.stringContaining(sentence) });
  });

  it('is none where there is only help to show', async () => {
    expect(await said('deploy', '--help', '--json')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Usage'),
    });
  });
});
