import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Effects } from '../../config/effects.ts';
import { MeetupError, messageOf } from '../../config/errors.ts';
import type { RehearsalPlaces } from '../places.ts';
import { cutLog } from './log-file.ts';

/**
 * Starts the background process, which outlives this one. @returns its pid.
 * @throws MeetupError if the operating system refuses to start it.
 */
export async function spawnSupervisor(places: RehearsalPlaces, env: Effects['env']): Promise<number> {
  for (const log of [places.gatewayLog, places.sparkLog]) cutLog(log);
  const log = openSync(places.gatewayLog, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [...supervisorCommand(), places.launchFile], {
      cwd: places.folder,
      detached: true,
      env: { ...env },
      stdio: ['ignore', log, log],
    });
    child.unref();
    if (child.pid === undefined) {
      const [error] = await once(child, 'error').catch((thrown: unknown) => [thrown]);
      throw new MeetupError(`The rehearsal's background process can't be started (${messageOf(error)}).`);
    }
    child.on('error', () => undefined);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** Node runs the compiled file directly; the TypeScript source, in tests, needs a loader. */
function supervisorCommand(): string[] {
  const isSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`./main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  if (!isSource) return [main];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(loader).href, main];
}
