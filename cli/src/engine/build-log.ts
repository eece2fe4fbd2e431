import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { AffectedAnswer, NodeResult, TaskAnswer } from './protocol.ts';
import { isTest, type NodeVerdict, verdictOf } from './results.ts';

/** How many builds are remembered. */
const KEPT = 50;

const lastRunSchema = z.object({
  name: z.string(),
  kind: z.string(),
  /** The unique id of the node that a test tests. */
  tests: z.string().nullable(),
  status: z.enum(['pass', 'fail', 'warn', 'skip']),
  ms: z.number(),
  /** When its build ended, in ISO 8601. */
  at: z.string(),
  rowsWritten: z.number().nullable(),
  rowsChanged: z.number().nullable(),
  failures: z.number().nullable(),
  /** For a failure: why, where, and a sample of a data test's rows. */
  failure: z
    .object({
      message: z.string().nullable(),
      file: z.string().nullable(),
      line: z.number().nullable(),
      sample: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) }).nullable(),
    })
    .optional(),
});

const buildSchema = z.object({
  at: z.string(),
  status: z.enum(['pass', 'fail', 'invalid']),
  ms: z.number(),
  /** Why it ran: the files that changed, new data, or a selection. */
  why: z.string(),
  /** Unique ids of the nodes that ran. */
  ran: z.array(z.string()),
  /** Names of the nodes that were downstream of a change and yet up to date. */
  spared: z.array(z.string()),
});

const logSchema = z.object({
  version: z.literal(1),
  /** The newest first. */
  builds: z.array(buildSchema),
  /** The last run of each node, by unique id. */
  nodes: z.record(z.string(), lastRunSchema),
});

export type LoggedBuild = z.infer<typeof buildSchema>;
export type LastRun = z.infer<typeof lastRunSchema>;
export type BuildLog = z.infer<typeof logSchema>;

export const buildLogFile = (paths: Pick<Paths, 'local'>): string => join(paths.local, 'builds.json');

/** What this process wrote last. */
let written: { readonly text: string; readonly log: BuildLog } | undefined;

/** What local builds did: the last ones, and the last run of each node. Empty if it isn't known. */
export async function readBuildLog(paths: Pick<Paths, 'local'>): Promise<BuildLog> {
  const empty: BuildLog = { version: 1, builds: [], nodes: {} };
  try {
    const text = await readFile(buildLogFile(paths), 'utf8');
    // Checking hundreds of nodes takes longer than a small build.
    if (text === written?.text) return written.log;
    return logSchema.safeParse(JSON.parse(text)).data ?? empty;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return empty;
    throw error;
  }
}

export interface EndedBuild {
  readonly answer: TaskAnswer & Partial<Pick<AffectedAnswer, 'spared'>>;
  readonly why: string;
  readonly ms: number;
  /** Epoch milliseconds. */
  readonly endedAt: number;
}

/** Adds a build to the log. The caller holds the write lock. A log that can't be written is not worth failing a build. */
export async function logBuild(paths: Pick<Paths, 'local'>, build: EndedBuild): Promise<void> {
  const { answer, why, ms, endedAt } = build;
  const at = new Date(endedAt).toISOString();
  try {
    const log = await readBuildLog(paths);
    const spared = (answer.spared ?? []).map(({ name }) => name);
    const entry: LoggedBuild = {
      at,
      status: answer.status,
      ms,
      why,
      ran: answer.nodes.map((node) => node.uniqueId),
      spared,
    };
    const nodes = { ...log.nodes };
    for (const node of answer.nodes) nodes[node.uniqueId] = lastRunOf(node, at);
    const next: BuildLog = { version: 1, builds: [entry, ...log.builds].slice(0, KEPT), nodes };
    const text = JSON.stringify(next);
    // Not flushed to the disk, which would take longer than a small build: after a power failure the log begins anew.
    const temporary = `${buildLogFile(paths)}.${process.pid}.tmp`;
    await writeFile(temporary, text);
    await rename(temporary, buildLogFile(paths));
    written = { text, log: next };
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EROFS', 'EACCES', 'EPERM', 'ENOENT')) throw error;
  }
}

function lastRunOf(node: NodeResult, at: string): LastRun {
  const verdict = verdictOf(node);
  const { name, status, ms, kind } = verdict;
  return {
    name,
    kind,
    tests: node.tests ?? null,
    status,
    ms,
    at,
    rowsWritten: node.rowsWritten ?? null,
    rowsChanged: node.rowsChanged ?? null,
    failures: isTest(node) ? (node.failures ?? null) : null,
    ...(status === 'fail' ? { failure: failureOf(verdict) } : {}),
  };
}

function failureOf({ message, problem, file, line, sample }: NodeVerdict): LastRun['failure'] {
  return {
    message: message ?? null,
    file: problem?.file ?? file ?? null,
    line: problem?.line ?? line ?? null,
    sample: sample ?? null,
  };
}
