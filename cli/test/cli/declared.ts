import { declareProgram } from '../../src/cli/program.ts';

/** The declared command line, without running any command. */
export const declared = () =>
  declareProgram(
    {
      stdout: { write: () => true },
      stderr: { write: () => true },
      env: {},
      cwd: '/',
      signal: new AbortController().signal,
      clock: { now: () => 0, elapsed: () => 0 },
    },
    () => undefined,
  );
