import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.ts';

/** Runs a command line, and returns its exit code and output. */
async function runCaptured(...argv: string[]) {
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

describe('an invalid command line', () => {
  it.each([
    [['deploy', '--target', 'nowhere'], '--target takes dev, rehearsal or prod'],
    [['deploy', '--nonsense'], "unknown option '--nonsense'"],
    [['diff', '--from', 'dev'], "required option '--to <target>' not specified"],
    [['deploy'], 'This command needs a warehouse: add --target rehearsal or --target prod.'],
  ])('exits with 2 and one sentence, and as one document with --json: %s', async (argv, sentence) => {
    const plain = await runCaptured(...argv);
    expect(plain).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(sentence) });
    const { exitCode, stdout } = await runCaptured('--json', ...argv);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'error', error: expect.stringContaining(sentence) });
  });

  it('prints the help instead if it has --help', async () => {
    expect(await runCaptured('deploy', '--help', '--json')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Usage'),
    });
  });
});
