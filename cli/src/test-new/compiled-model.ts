import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import type { NodeResult, TaskAnswer } from '../engine/protocol.ts';
import { inputsIn, type ModelInput, type ProjectModel, ProjectModels } from './project-models.ts';

export { type ModelInput, RELATION } from './project-models.ts';

/** A model, compiled by dbt as for a first build. */
export interface CompiledModel {
  readonly name: string;
  readonly uniqueId: string;
  readonly package: string;
  /** Of a versioned model. */
  readonly version?: string | number;
  /** The relation of its own rows. */
  readonly schema: string;
  readonly table: string;
  /** Reads its inputs from `"meetup"."<schema>"."<table>"`. */
  readonly sql: string;
  readonly isIncremental: boolean;
  /** The inputs, in the order in which the SQL names them. */
  readonly inputs: readonly ModelInput[];
}

/**
 * Compiles a model, an incremental one as for a full refresh. The caller holds the write lock.
 * @throws MeetupError if the project can't be parsed or has no such model, or no unit test can be written for it.
 */
export async function compileModel(paths: Paths, engine: EngineClient, name: string): Promise<CompiledModel> {
  const models = await ProjectModels.read(paths, engine);
  const model = models.testable(name);
  const answer = await engine.compile({ target: 'dev', uniqueIds: [model.uniqueId], fullRefresh: true });
  return readCompiled(paths, answer, models, model);
}

/** Compiles a model, which comes first, and all of its upstream models. */
export async function compileUpstream(
  paths: Paths,
  engine: EngineClient,
  name: string,
): Promise<readonly [CompiledModel, ...CompiledModel[]]> {
  const models = await ProjectModels.read(paths, engine);
  const model = models.testable(name);
  const select = [
    `+${model.version === undefined ? model.name : `${model.name}.v${model.version}`},resource_type:model`,
  ];
  // Without their tests, which would otherwise be compiled too.
  const answer = await engine.compile({ target: 'dev', select, indirectSelection: 'empty', fullRefresh: true });
  const above = answer.nodes.flatMap(({ uniqueId }) => models.byId(uniqueId) ?? []);
  const others = above.filter(({ uniqueId }) => uniqueId !== model.uniqueId);
  const read = (one: ProjectModel): Promise<CompiledModel> => readCompiled(paths, answer, models, one);
  return [await read(model), ...(await Promise.all(others.map(read)))];
}

async function readCompiled(
  paths: Paths,
  answer: TaskAnswer,
  models: ProjectModels,
  model: ProjectModel,
): Promise<CompiledModel> {
  const node = answer.nodes.find(({ uniqueId }) => uniqueId === model.uniqueId);
  const elsewhere = answer.elsewhere.find(({ name }) => name === model.name);
  if (node === undefined && elsewhere !== undefined) {
    throw new MeetupError(
      `DuckDB can't run ${model.name}: ${elsewhere.reason}. Write its test by hand; the rehearsal runs it.`,
    );
  }
  requireCompiled(answer, node, model.name);
  const file = join(paths.dbtTarget, 'compiled', model.package, model.file);
  let sql: string;
  try {
    sql = await readFile(file, 'utf8');
  } catch (error) {
    throw fileProblem(error, file, { advice: `dbt did not compile ${model.name}` });
  }
  const { name, uniqueId, version, schema, table } = model;
  const isIncremental = model.materialized === 'incremental';
  return {
    name,
    uniqueId,
    package: model.package,
    ...(version === undefined ? {} : { version }),
    schema,
    table,
    sql,
    isIncremental,
    inputs: inputsIn(sql, models),
  };
}

function requireCompiled(answer: TaskAnswer, node: NodeResult | undefined, name: string): void {
  const problem = answer.problems[0] ?? node?.problem;
  if (problem === undefined && node !== undefined) return;
  const why =
    problem === undefined ? 'dbt does not say why.' : `${problem.file ?? 'dbt'}: ${problem.message.split('\n')[0]}`;
  throw new MeetupError(`The model ${name} can't be compiled: ${why}`);
}
