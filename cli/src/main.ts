import { performance } from 'node:perf_hooks';
import { runCli } from './cli/program.ts';
import { Grace } from './config/grace.ts';

/** How long a command may take to stop cleanly after Ctrl-C (milliseconds). */
const GRACE_MS = 10_000;

const stop = new AbortController();
const grace = new Grace(GRACE_MS, () => process.exit(130));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second Ctrl-C means now.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    grace.begin();
  });
}
// `meetup query … | head` closes stdout early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  toTheEnd: (work) => grace.toTheEnd(work),
});
// Writes to a pipe are asynchronous: let them go out before the end.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
