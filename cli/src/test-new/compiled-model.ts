import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import type { NodeResult, TaskAnswer } from '../engine/protocol.ts';

/** A model as dbt compiles it for a first build. */
export interface CompiledModel {
  readonly name: string;
  /** Reads its inputs from `"meetup"."<schema>"."<table>"`. */
  readonly sql: string;
  readonly isIncremental: boolean;
  /** In the order in which the SQL names them. */
  readonly inputs: readonly ModelInput[];
}

export interface ModelInput {
  readonly schema: string;
  readonly table: string;
  /** As a unit test names it: `ref('fct_events')`, `source('raw', 'events')`. */
  readonly reference: string;
}

/** A relation in compiled SQL: catalog, schema, table. */
export const RELATION = /"meetup"\."([^"]+)"\."([^"]+)"/g;

/**
 * Compiles a model, an incremental one as for a full refresh. The caller holds the write lock.
 * @throws MeetupError where the project can't be parsed, or has no such model.
 */
export async function compileModel(paths: Paths, engine: EngineClient, name: string): Promise<CompiledModel> {
  await requireModel(paths, name);
  const answer = await engine.compile({ target: 'dev', uniqueIds: [`model.meetup.${name}`], fullRefresh: true });
  return readCompiled(
    paths,
    answer,
    name,
    answer.nodes.find((found) => found.name === name),
  );
}

/** The same for a model and all models above it. */
export async function compileUpstream(paths: Paths, engine: EngineClient, name: string): Promise<CompiledModel[]> {
  await requireModel(paths, name);
  const select = [`+${name},resource_type:model`];
  // Without their tests, which would be compiled too.
  const answer = await engine.compile({ target: 'dev', select, indirectSelection: 'empty', fullRefresh: true });
  const models = answer.nodes.filter(({ resourceType }) => resourceType === 'model');
  if (!models.some((found) => found.name === name)) return [await readCompiled(paths, answer, name, undefined)];
  return Promise.all(models.map((node) => readCompiled(paths, answer, node.name, node)));
}

async function readCompiled(
  paths: Paths,
  answer: TaskAnswer,
  name: string,
  node: NodeResult | undefined,
): Promise<CompiledModel> {
  const problem = answer.problems[0] ?? node?.problem;
  if (problem !== undefined || node?.file === undefined || node.file === null) {
    const why =
      problem === undefined ? 'dbt does not say why.' : `${problem.file ?? 'dbt'}: ${problem.message.split('\n')[0]}`;
    throw new MeetupError(`The model ${name} can't be compiled: ${why}`);
  }
  const sql = await readFile(join(paths.dbtTarget, 'compiled', 'meetup', node.file), 'utf8');
  const source = await readFile(join(paths.dbtProject, node.file), 'utf8');
  return { name, sql, isIncremental: /materialized\s*=\s*['"]incremental/.test(source), inputs: inputsOf(sql) };
}

async function requireModel(paths: Paths, name: string): Promise<void> {
  const files = await readdir(join(paths.dbtProject, 'models'), { recursive: true });
  const models = files.filter((file) => file.endsWith('.sql')).map((file) => basename(file, '.sql'));
  if (models.includes(name)) return;
  const [nearest] = models.sort((a, b) => likeness(b, name) - likeness(a, name));
  const hint = nearest === undefined ? '.' : `: did you mean ${nearest}?`;
  throw new MeetupError(`There is no model ${name} in ${paths.dbtProject}${hint}`);
}

/** How many pairs of neighbouring letters two names share, by their lengths. */
function likeness(a: string, b: string): number {
  const pairs = [...a].slice(1).map((letter, index) => `${a[index]}${letter}`);
  return pairs.filter((pair) => b.includes(pair)).length / Math.max(1, a.length + b.length);
}

function inputsOf(sql: string): ModelInput[] {
  const inputs = new Map<string, ModelInput>();
  for (const [relation, schema = '', table = ''] of sql.matchAll(RELATION)) {
    const reference = schema === 'raw' ? `source('raw', '${table}')` : `ref('${table}')`;
    inputs.set(relation, { schema, table, reference });
  }
  return [...inputs.values()];
}
