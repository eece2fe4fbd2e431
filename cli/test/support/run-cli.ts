import { runCli } from '../../src/cli/program.ts';
import type { Ended } from './meetup.ts';

/** Runs a command line in this process, which is faster than starting another one. */
export async function runInProcess(
  argv: readonly string[],
  { env = {}, stdin, cwd = process.cwd() }: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runCli(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdin: inputOf(stdin),
    env: { NO_COLOR: '1', ...env },
    cwd,
    signal: new AbortController().signal,
    clock: { now: () => Date.now(), elapsed: () => performance.now() },
  });
  return { exitCode, stdout, stderr };
}

/** A pipe with this text, or a terminal without input. */
function inputOf(text: string | undefined) {
  return {
    isTTY: text === undefined,
    async *[Symbol.asyncIterator]() {
      if (text !== undefined) yield Buffer.from(text);
    },
  };
}
