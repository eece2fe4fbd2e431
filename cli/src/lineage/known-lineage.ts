import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { hasCode } from '../config/errors.ts';
import { type Paths, sourceFolder } from '../config/paths.ts';
import { CLOCK_SLACK_MS } from '../engine/built-stamp.ts';
import { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { engineEnvironment } from '../engine/process.ts';
import { inputsDigest, type ProjectInputs, projectInputsSchema } from '../engine/project-inputs.ts';
import { type LineageAnswer, lineageAnswerSchema } from '../engine/protocol.ts';
import type { Lineage } from './graph.ts';
import { type LineageQuestion, lineageOf, lineageQuestion, withFigures } from './read-lineage.ts';

const keptSchema = z.object({
  version: z.literal(1),
  /** What the project was read from. */
  inputs: projectInputsSchema,
  /** A hash over all of that, and over the rest of what was asked. */
  digest: z.string(),
  answer: lineageAnswerSchema,
});

/** The column lineage of the project as it is, and a text that differs if anything that decides it does. */
export interface KnownLineage {
  readonly lineage: Lineage;
  /** Undefined if it may be another one the next time for a reason that can't be seen. */
  readonly digest: string | undefined;
}

const keptFile = (paths: Paths): string => join(paths.local, 'lineage.json');

/**
 * The column lineage, from the state folder if everything that it was read from is as it was.
 * @throws MeetupError if dbt can't read the project, or the toolchain lacks the SQL parser
 */
export async function knownLineage(paths: Paths, effects: Effects): Promise<KnownLineage> {
  // Compared with modification times of files, so it can't come from the effects' clock.
  const startedAt = Date.now();
  const question = await lineageQuestion(paths);
  const kept = await readKept(paths);
  if (kept !== undefined && (await digestOf(kept.inputs, question, paths, effects)).digest === kept.digest)
    return { lineage: withFigures(kept.answer, question), digest: kept.digest };
  const answer = await askedAnew(question, paths, effects);
  const lineage = withFigures(answer, question);
  const inputs = answer.readFrom;
  if (inputs === undefined || !inputs.repeatable) return { lineage, digest: undefined };
  const { digest, newest } = await digestOf(inputs, question, paths, effects);
  // What was saved meanwhile may have been read or not.
  if (newest >= startedAt - CLOCK_SLACK_MS) return { lineage, digest: undefined };
  await writeAtomically(keptFile(paths), JSON.stringify({ version: 1, inputs, digest, answer }));
  return { lineage, digest };
}

async function askedAnew(question: LineageQuestion, paths: Paths, effects: Effects): Promise<LineageAnswer> {
  const engine = new EngineClient(paths, effects);
  try {
    const answer = await lineageOf(engine, question);
    requireReadable(answer);
    return answer;
  } finally {
    await engine.close();
  }
}

/** The files that dbt reads, the engine's own code, and what else was asked: sources' columns, and queries outside of the project. */
async function digestOf(inputs: ProjectInputs, question: LineageQuestion, paths: Paths, { env }: Effects) {
  const folders = [...inputs.folders, join(sourceFolder, 'engine', 'python')];
  const { digest, newest } = await inputsDigest({ ...inputs, folders }, paths, { ...env, ...engineEnvironment(paths) });
  return {
    digest: createHash('sha256')
      .update(`${digest}\0${JSON.stringify(question)}`)
      .digest('hex'),
    newest,
  };
}

async function readKept(paths: Paths): Promise<z.infer<typeof keptSchema> | undefined> {
  try {
    return keptSchema.safeParse(JSON.parse(await readFile(keptFile(paths), 'utf8'))).data;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
