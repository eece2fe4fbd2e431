import { declareProgram } from '../../src/cli/program.ts';

/** The command line as it is declared; none of its commands is run. */
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
