import { z } from 'zod';
import type { Clock, Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { sentenceOf } from '../config/explain.ts';
import { type GlobalOptions, globalOptionsSchema, requireTarget, type Target } from '../config/options.ts';
import { type Paths, resolvePaths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { requireUsableState } from '../config/state-folder.ts';
import { streamReporter } from '../terminal/reporter.ts';
import { asCalled } from '../text/command.ts';
import { type Style, styleFor } from '../text/style.ts';

export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface InputStream extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean;
}

/** The process as the command line sees it. */
export interface Io {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Read by `query` if no SQL is given otherwise. */
  readonly stdin?: InputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly toTheEnd?: Effects['toTheEnd'];
}

/** The run of one command: its inputs, and how its result is printed. */
export interface CommandSession {
  readonly paths: Paths;
  readonly effects: Effects;
  readonly options: GlobalOptions;
  /** Prints the result, as text or as one JSON document, and returns the exit code. */
  finish<Report>(result: CommandResult<Report>, print: Printing<Report>): number;
}

export interface Printing<Report> {
  text(report: Report, style: Style): string;
  /** What --json prints; the report itself by default. */
  json?(report: Report): unknown;
  /** Whether the text is the answer itself, which --quiet prints too. */
  readonly essential?: boolean;
}

export interface HowToRun {
  /** Whether --json prints one event per line instead of one document. */
  readonly isStream?: boolean;
  /** The allowed values of --target; only `dev` by default, because most commands work on the local database. */
  readonly targets?: readonly Target[];
}

const LOCAL: readonly Target[] = ['dev'];

/**
 * Resolves what all commands share, runs one, and turns an error into one plain sentence and an exit code: 130 if it was
 * interrupted, 1 or 2 for known errors, 2 with a hint for a bug in meetup.
 */
export async function withSession(
  rawOptions: unknown,
  io: Io,
  work: (session: CommandSession) => Promise<number>,
  { isStream = false, targets = LOCAL }: HowToRun = {},
): Promise<number> {
  const style = styleFor(io.stderr, io.env);
  const parsed = globalOptionsSchema.safeParse(rawOptions);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const option = String(issue?.path[0] ?? 'option').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const error = new MeetupError(option === 'target' ? refusedTarget(rawOptions) : `--${option}: ${issue?.message}.`);
    return explain(error, { json: isJson(rawOptions), verbose: false }, io, style);
  }
  const options = parsed.data;
  const live = io.stderr.isTTY === true && !io.env.CI && io.env.TERM !== 'dumb';
  const reporter = streamReporter(io.stderr, style, { quiet: options.quiet, verbose: options.verbose, live });
  const sessionOf = (paths: Paths): CommandSession => ({
    paths,
    effects: { clock: io.clock, reporter, env: io.env, signal: io.signal, toTheEnd: io.toTheEnd },
    options,
    finish: (result, print) => {
      reporter.done();
      const text = options.json
        ? JSON.stringify(print.json?.(result.report) ?? result.report)
        : print.text(result.report, styleFor(io.stdout, io.env));
      if (options.json || !options.quiet || print.essential || result.exitCode !== 0)
        io.stdout.write(`${asCalled(text)}\n`);
      return result.exitCode;
    },
  });
  try {
    const session = sessionOf(resolvePaths(options, io.env, io.cwd));
    requireTarget(options.target, targets);
    requireUsableState(session.paths);
    return await work(session);
  } catch (error) {
    reporter.done();
    return explain(error, { ...options, isStream }, io, style);
  }
}

function refusedTarget(rawOptions: unknown): string {
  const given = z.object({ target: z.unknown() }).safeParse(rawOptions).data?.target;
  return `--target takes dev, rehearsal or prod, but got '${String(given)}': use dbt itself for other outputs of profiles/profiles.yml.`;
}

const isJson = (rawOptions: unknown): boolean =>
  typeof rawOptions === 'object' && rawOptions !== null && 'json' in rawOptions && rawOptions.json === true;

interface HowToExplain extends Pick<GlobalOptions, 'json' | 'verbose'> {
  /** Ctrl-C is the normal end of an event stream. */
  readonly isStream?: boolean;
}

function explain(error: unknown, options: HowToExplain, io: Io, style: Style): number {
  if (error instanceof InterruptedError || io.signal.aborted) {
    if (options.json && !options.isStream) io.stdout.write(`${JSON.stringify({ status: 'interrupted' })}\n`);
    io.stderr.write('Interrupted.\n');
    return 130;
  }
  const sentence = asCalled(sentenceOf(error));
  if (options.json) io.stdout.write(`${JSON.stringify({ status: 'error', error: sentence })}\n`);
  io.stderr.write(`${style.bad('Error:')} ${sentence}\n`);
  if (options.verbose && error instanceof Error) io.stderr.write(`${style.dim(stackOf(error))}\n`);
  return error instanceof MeetupError ? error.exitCode : 2;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
