import type { DevOptions } from '../commands/dev.ts';
import { run, type WatchKey } from '../commands/dev-watch.ts';
import { resolvePaths } from '../config/paths.ts';
import { renderDev } from '../terminal/dev.ts';
import { keyOf, watchScreen } from '../terminal/watch.ts';
import { styleFor } from '../text/style.ts';
import type { CommandSession, Io } from './run-command.ts';

/** Runs `dev --watch` with a terminal's keys and screen, or as one JSON event per line. */
export async function watchSession(session: CommandSession, options: DevOptions, io: Io): Promise<number> {
  const style = styleFor(io.stdout, io.env);
  const print = (text: string): void => {
    // A redrawn line must not be mixed with a permanent one.
    session.effects.reporter.progress('');
    io.stdout.write(`${text}\n`);
  };
  const { json } = session.options;
  const result = await run(
    {
      ...options,
      emit: json
        ? (event) => io.stdout.write(`${JSON.stringify(event)}\n`)
        : watchScreen(session.effects.reporter, print, style),
      started: (report) => {
        if (!json) print(renderDev(report, style));
      },
      keys: (press) => listenToKeys(press),
      reread: () => resolvePaths(session.options, io.env, io.cwd),
    },
    session.effects,
  );
  return result.exitCode;
}

/** Reads single keys, if there is a keyboard. */
function listenToKeys(press: (key: WatchKey) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const take = (data: Buffer): void => {
    for (const character of data.toString('utf8')) {
      const key = keyOf(character);
      // In raw mode Ctrl-C is a character; the process' own handler does the rest.
      if (key === 'interrupt') process.kill(process.pid, 'SIGINT');
      else if (key !== undefined) press(key);
    }
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', take);
  return () => {
    stdin.off('data', take);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
