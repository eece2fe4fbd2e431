import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { type Paths, sourceFolder } from '../config/paths.ts';

const PROGRAM = join(sourceFolder, 'metrics', 'python', 'metricflow_sql.py');

export interface MetricQuestion {
  readonly metrics: readonly string[];
  /** Dimensions and entities in MetricFlow's notation, such as `metric_time__month` and `group_id__city`. */
  readonly by: readonly string[];
  /** MetricFlow's filters, such as `{{ Dimension('group_id__city') }} = 'Berlin'`. */
  readonly where: readonly string[];
  readonly limit: number | undefined;
}

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sql'), sql: z.string() }),
  z.object({ kind: z.enum(['by', 'where']), name: z.string(), available: z.array(z.string()) }),
  z.object({ kind: z.literal('refused'), message: z.string() }),
]);

/**
 * The SQL with which MetricFlow answers a question in DuckDB.
 * @param definitions dbt's semantic manifest, as JSON
 * @throws MeetupError if MetricFlow is not installed, or refuses the question
 */
export async function sqlOf(
  question: MetricQuestion,
  definitions: string,
  paths: Paths,
  effects: Effects,
): Promise<string> {
  if (!existsSync(paths.metricsPython)) {
    throw new MeetupError(
      `There is no environment with MetricFlow at ${paths.toolchain}: \`./meetup metrics NAME\` installs it.`,
    );
  }
  const ended = await execa(paths.metricsPython, ['-E', '-s', '-X', 'utf8', PROGRAM], {
    input: JSON.stringify({ ...question, limit: question.limit ?? null, definitions }),
    env: { ...effects.env, DO_NOT_TRACK: '1' },
    extendEnv: false,
    reject: false,
    cancelSignal: effects.signal,
  });
  if (effects.signal.aborted) throw new InterruptedError();
  if (ended.exitCode !== 0) {
    const last = ended.stderr.trimEnd().split('\n').at(-1);
    throw new MeetupError(`MetricFlow failed: ${last || ended.shortMessage}`, { cause: ended });
  }
  const answer = answerSchema.parse(JSON.parse(ended.stdout));
  if (answer.kind === 'sql') return answer.sql;
  if (answer.kind === 'refused') throw new MeetupError(`MetricFlow can't answer this: ${answer.message}.`);
  const { name, available } = answer;
  const asked = answer.kind === 'by' ? `grouped by '${name}'` : `filtered by ${name}`;
  throw new MeetupError(`${question.metrics.join(', ')} can't be ${asked}; there is ${available.join(', ')}.`);
}
