import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { EngineClient } from '../engine/client.ts';
import { explainMissingParser } from '../engine/missing-parser.ts';
import { requireReadable } from '../engine/problems.ts';
import type { CoverageAnswer, MutationAnswer, StrengthRequest } from '../engine/protocol.ts';
import { readSourceColumns } from '../unit-tests/raw-columns.ts';

export interface StrengthOptions {
  readonly paths: Paths;
  /** Names of models separated by spaces, with * for any characters; all by default. */
  readonly select?: string | undefined;
}

export interface MutatedModel {
  readonly name: string;
  readonly fixtures: number;
  /** The number of mutants without the equivalent ones. */
  readonly mutants: number;
  readonly killed: number;
  /** The share of killed mutants, 0 to 1; null if there are no mutants. */
  readonly score: number | null;
  readonly equivalent: MutationAnswer['models'][number]['equivalent'];
  readonly survivors: MutationAnswer['models'][number]['survivors'];
  readonly reason?: string;
}

export interface MutationReport {
  readonly status: 'pass';
  readonly mutants: number;
  readonly killed: number;
  readonly equivalent: number;
  readonly score: number | null;
  readonly models: readonly MutatedModel[];
  readonly ms: number;
}

export interface CoverageReport {
  readonly status: 'pass';
  readonly models: CoverageAnswer['models'];
  readonly ms: number;
}

/**
 * Changes the models one small step at a time and runs their fixtures: how many changes do they notice?
 * @throws MeetupError if nothing is selected, the project can't be read, or the toolchain lacks the SQL parser.
 */
export async function runMutation(options: StrengthOptions, effects: Effects): Promise<CommandResult<MutationReport>> {
  const started = effects.clock.elapsed();
  const answer = await ask('mutate', options, effects);
  const models = answer.models.map(scored);
  const sum = (of: (model: MutatedModel) => number): number => models.reduce((total, model) => total + of(model), 0);
  const [mutants, killed] = [sum((model) => model.mutants), sum((model) => model.killed)];
  return {
    exitCode: 0,
    report: {
      status: 'pass',
      mutants,
      killed,
      equivalent: sum((model) => model.equivalent.length),
      score: scoreOf(killed, mutants),
      models,
      ms: effects.clock.elapsed() - started,
    },
  };
}

/**
 * Finds the models, columns and branches that no fixture reaches.
 * @throws MeetupError as `runMutation`.
 */
export async function runCoverage(options: StrengthOptions, effects: Effects): Promise<CommandResult<CoverageReport>> {
  const started = effects.clock.elapsed();
  const { models } = await ask('coverage', options, effects);
  return { exitCode: 0, report: { status: 'pass', models, ms: effects.clock.elapsed() - started } };
}

function scored(model: MutationAnswer['models'][number]): MutatedModel {
  const mutants = model.mutants - model.equivalent.length;
  return {
    name: model.model,
    fixtures: model.fixtures,
    mutants,
    killed: model.killed,
    score: scoreOf(model.killed, mutants),
    equivalent: model.equivalent,
    survivors: model.survivors,
    ...(model.reason === undefined ? {} : { reason: model.reason }),
  };
}

const scoreOf = (killed: number, mutants: number): number | null => (mutants === 0 ? null : killed / mutants);

interface Answers {
  readonly mutate: MutationAnswer;
  readonly coverage: CoverageAnswer;
}

async function ask<Op extends keyof Answers>(op: Op, options: StrengthOptions, effects: Effects): Promise<Answers[Op]>;
async function ask(op: keyof Answers, options: StrengthOptions, effects: Effects): Promise<Answers[keyof Answers]> {
  const engine = new EngineClient(options.paths, effects);
  try {
    const select = options.select?.split(/[\s,]+/).filter((word) => word !== '') ?? [];
    const request: StrengthRequest = {
      target: 'dev',
      sources: await readSourceColumns(options.paths),
      ...(select.length === 0 ? {} : { select }),
    };
    const answer = await engine[op](request, {
      onEvent: (event) => event.event === 'log' && effects.reporter.progress(event.message),
    });
    requireReadable(answer);
    if (answer.models.length === 0) {
      throw new MeetupError(`No model's name matches --select '${options.select ?? ''}'.`);
    }
    return answer;
  } catch (error) {
    throw explainMissingParser(error);
  } finally {
    await engine.close();
  }
}
