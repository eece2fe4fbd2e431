import { join } from 'node:path';
import { compareMarts, type MartComparison } from '../compare/compare.ts';
import { renderDiffMarkdown } from '../compare/markdown.ts';
import { publicMarts } from '../compare/marts.ts';
import { databricksSide, duckDbSide, type Side } from '../compare/side.ts';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import type { Target } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { connectTarget, remoteTarget } from '../targets/target.ts';
import { openPublished } from '../warehouse/duckdb.ts';

export interface DiffOptions {
  readonly paths: Paths;
  readonly from: Target;
  readonly to: Target;
  /** Names of marts; all public ones by default. */
  readonly select?: string | undefined;
  /** How many differing rows to show per mart. */
  readonly samples: number;
  /** The path of a Markdown report. */
  readonly markdown?: string | undefined;
}

export interface DiffReport {
  readonly status: 'equal' | 'different';
  readonly from: Target;
  readonly to: Target;
  readonly marts: readonly MartComparison[];
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Compares the public marts of two targets: columns, rows, cells. Each warehouse does the work on its rows; only
 * fingerprints and a sample are fetched.
 * @throws MeetupError if a target can't be reached or the selection matches no mart.
 */
export async function run(options: DiffOptions, effects: Effects): Promise<CommandResult<DiffReport>> {
  const started = effects.clock.elapsed();
  const { paths, from, to } = options;
  if (from === to) throw new MeetupError(`--from and --to are both ${from}: name two targets.`);
  const ours = await openSide(from, paths, effects);
  let theirs: OpenSide | undefined;
  try {
    theirs = await openSide(to, paths, effects);
    const marts = await chosenMarts(options, effects);
    const compared = await compareMarts(ours.side, theirs.side, marts, {
      samples: options.samples,
      elapsed: effects.clock.elapsed,
      progress: (text) => effects.reporter.progress(text),
    });
    const status = compared.every((mart) => mart.status === 'equal') ? 'equal' : 'different';
    const report: DiffReport = { status, from, to, marts: compared, ms: effects.clock.elapsed() - started };
    if (options.markdown !== undefined) await writeReport(options.markdown, renderDiffMarkdown(report));
    return { exitCode: status === 'equal' ? 0 : 1, report };
  } catch (error) {
    if (effects.signal.aborted) throw new InterruptedError();
    throw error;
  } finally {
    await ours.close();
    await theirs?.close();
  }
}

async function chosenMarts({ paths, select }: DiffOptions, effects: Effects) {
  const manifestFile = join(paths.state, 'diff', 'manifest.json');
  const engine = new EngineClient(paths, effects);
  try {
    requireReadable(await engine.changes({ target: 'dev', manifestFile }));
  } finally {
    await engine.close();
  }
  const marts = await publicMarts(manifestFile, paths);
  if (select === undefined) return marts;
  const names = select.split(/[\s,]+/).filter((name) => name !== '');
  const unknown = names.find((name) => !marts.some((mart) => mart.name === name));
  if (unknown !== undefined || names.length === 0) {
    throw new MeetupError(
      `No public mart is called '${unknown ?? ''}': the public marts are ${marts.map(({ name }) => name).join(', ')}.`,
    );
  }
  return marts.filter(({ name }) => names.includes(name));
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeAtomically(file, text);
  } catch (error) {
    throw new MeetupError(`The report ${file} can't be written (${reasonOf(error)}): choose another file.`, {
      cause: error,
    });
  }
}

interface OpenSide {
  readonly side: Side;
  close(): Promise<void>;
}

/** Ctrl-C cancels the running queries on both sides. */
async function openSide(target: Target, paths: Paths, effects: Effects): Promise<OpenSide> {
  const { signal } = effects;
  if (target === 'dev') {
    const warehouse = await openPublished(paths);
    const interrupt = (): void => warehouse.connection.interrupt();
    signal.addEventListener('abort', interrupt);
    const close = (): Promise<void> => {
      signal.removeEventListener('abort', interrupt);
      return warehouse.close();
    };
    return { side: duckDbSide(target, warehouse), close };
  }
  const remote = await remoteTarget(target, paths, effects);
  const connection = await connectTarget(remote, effects);
  return {
    side: databricksSide(target, connection, remote.catalog, { signal }),
    close: () => connection.close(),
  };
}
