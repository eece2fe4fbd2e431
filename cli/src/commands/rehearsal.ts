import { rm } from 'node:fs/promises';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { answers } from '../rehearsal/ask.ts';
import { rehearsalPlaces } from '../rehearsal/places.ts';
import { endProcesses, rehearsalProcesses } from '../rehearsal/process.ts';
import { readRunning } from '../rehearsal/running.ts';
import { startRehearsal, withRehearsalLock } from '../rehearsal/up.ts';

export interface RehearsalOptions {
  readonly paths: Paths;
  /** `up`, `down` or `status`. */
  readonly action: string;
}

export interface RehearsalReport {
  /** `broken`: part of it runs, but it doesn't answer. */
  readonly status: 'up' | 'down' | 'broken';
  /** Whether this command changed the status. */
  readonly changed: boolean;
  /** The running processes. */
  readonly processes: readonly number[];
  /** How to connect, if it is up. The token itself is never shown. */
  readonly connection?: {
    readonly host: string;
    readonly httpPath: string;
    readonly proxyUrl: string;
    readonly port: number;
    readonly tokenFile: string;
    readonly caFile: string;
  };
  readonly startedAt?: string;
  readonly logs: readonly string[];
  readonly ms: number;
}

/** Starts, stops or inspects the rehearsal. `status` returns exit code 1 if it is not up. */
export async function run(options: RehearsalOptions, effects: Effects): Promise<CommandResult<RehearsalReport>> {
  const { paths, action } = options;
  const started = effects.clock.elapsed();
  switch (action) {
    case 'up': {
      const { started: changed } = await startRehearsal(paths, effects);
      return { exitCode: 0, report: await look(paths, effects, started, changed) };
    }
    case 'down': {
      const changed = await stop(paths, effects);
      return { exitCode: 0, report: await look(paths, effects, started, changed) };
    }
    case 'status': {
      const report = await look(paths, effects, started, false);
      return { exitCode: report.status === 'up' ? 0 : 1, report };
    }
    default:
      throw new MeetupError(`rehearsal takes up, down or status, but got '${action}'.`);
  }
}

async function stop(paths: Paths, effects: Effects): Promise<boolean> {
  const places = rehearsalPlaces(paths);
  // A rehearsal that another process is starting must not be left behind.
  return withRehearsalLock(paths, places, effects, async () => {
    effects.reporter.progress('Stopping the rehearsal …');
    const ended = await endProcesses(places);
    for (const file of [places.stateFile, places.tokenFile]) await rm(file, { force: true });
    return ended > 0;
  });
}

async function look(paths: Paths, effects: Effects, since: number, changed: boolean): Promise<RehearsalReport> {
  const places = rehearsalPlaces(paths);
  const running = await readRunning(places);
  const isUp = running !== undefined && (await answers(places, running));
  const processes = await rehearsalProcesses(places);
  const common = {
    status: isUp ? ('up' as const) : processes.length > 0 ? ('broken' as const) : ('down' as const),
    changed,
    processes,
    logs: [places.gatewayLog, places.sparkLog],
    ms: Math.round(effects.clock.elapsed() - since),
  };
  if (!isUp) return common;
  const { host, httpPath, port, proxyPort, startedAt } = running;
  const { tokenFile, caFile } = places;
  const proxyUrl = `http://127.0.0.1:${proxyPort}`;
  return { ...common, startedAt, connection: { host, httpPath, proxyUrl, port, tokenFile, caFile } };
}
