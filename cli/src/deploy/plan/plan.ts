import { createHash } from 'node:crypto';
import type { RawTable } from '../../ingest/raw-tables.ts';
import type { RemoteName } from '../../targets/target.ts';
import type { GitState } from '../git.ts';
import { keepStatements } from '../kept-tables.ts';
import type { Batch } from '../raw/batches.ts';
import type { Upload } from '../raw/export.ts';
import { appendStatement, clearStatements, rawSchemaStatement, rawTableStatements } from '../raw/land.ts';
import { addColumnsStatement, type NewColumns } from '../raw/new-columns.ts';
import { dropStatement } from '../remote.ts';
import type { ModelPlan, ModelsPlan, ProjectNode } from './models.ts';

/** Everything that a deployment would do, and nothing else. */
export interface DeployPlan {
  /** Covers every other field except the bytes, which differ between machines for the same rows. */
  readonly hash: string;
  readonly target: RemoteName;
  readonly catalog: string;
  /** The deployment that this one is based on. */
  readonly base: string | null;
  readonly commit: string | null;
  readonly dirty: boolean;
  /** Ids of the batches that the target has. */
  readonly held: readonly string[];
  /** Ids of the batches that the target lacks. */
  readonly batches: readonly string[];
  readonly uploads: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[];
  readonly models: readonly ModelPlan[];
  /** The number of data tests to run. */
  readonly tests: number;
  /** Drift since the last deployment. */
  readonly drift: readonly { readonly relation: string; readonly what: string }[];
  /** Statements that change relations besides dbt's own, in order, exactly as they are sent. */
  readonly statements: readonly string[];
  /** Whether there is nothing to do. */
  readonly empty: boolean;
}

export interface PlanInput {
  readonly target: { readonly name: RemoteName; readonly catalog: string; readonly host: string };
  readonly base: string | null;
  /** The existing relations. */
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  readonly git: GitState;
  readonly held: readonly Batch[];
  readonly batches: readonly Batch[];
  readonly uploads: readonly Upload[];
  readonly models: ModelsPlan;
  readonly nodes: readonly ProjectNode[];
  readonly drift: ReadonlyMap<string, string>;
  /** Whether raw tables are emptied first. */
  readonly replacesRaw: boolean;
  /** Whether any raw table is missing. */
  readonly makesRaw: boolean;
  readonly rawTables: readonly RawTable[];
  /** Columns that raw tables get before their rows. */
  readonly newColumns: readonly NewColumns[];
}

/** Makes a plan. The same inputs give the same hash on any machine. */
export function makePlan(input: PlanInput): DeployPlan {
  const { target, git, models, uploads } = input;
  const drift = [...input.drift].map(([relation, what]) => ({ relation, what })).sort(byRelation);
  const statements = [
    ...(input.makesRaw ? [rawSchemaStatement(target), ...rawTableStatements(target, input.rawTables)] : []),
    ...(input.replacesRaw ? clearStatements(target, input.rawTables) : []),
    ...input.newColumns.map((columns) => addColumnsStatement(target, columns)),
    ...uploads.map((upload) => appendStatement(target, upload, input.rawTables)),
    ...models.setAside.flatMap((relation) => keepStatements(target, relation)),
    ...models.models
      .filter(({ action }) => action === 'remove')
      .map(({ relation }) => dropStatement(target, relation, input.present.get(relation) ?? 'table')),
  ];
  const plan = {
    target: target.name,
    catalog: target.catalog,
    base: input.base,
    commit: git.commit,
    dirty: git.dirty,
    held: input.held.map(({ id }) => id),
    batches: input.batches.map(({ id }) => id),
    models: models.models,
    tests: models.tests.length,
    drift,
  };
  const hashed = {
    ...plan,
    host: target.host,
    rows: uploads.map(({ table, rows }) => [table, rows]),
    tests: models.tests,
    fromScratch: models.fromScratch,
    setAside: models.setAside,
    fingerprints: input.nodes.map(({ uniqueId, fingerprint }) => [uniqueId, fingerprint]).sort(),
    replacesRaw: input.replacesRaw,
    makesRaw: input.makesRaw,
    newColumns: input.newColumns,
  };
  return {
    hash: createHash('sha256').update(JSON.stringify(hashed)).digest('hex').slice(0, 32),
    ...plan,
    uploads: uploads.map(({ table, rows, bytes }) => ({ table, rows, bytes })),
    statements,
    empty:
      uploads.length === 0 &&
      !input.makesRaw &&
      !input.replacesRaw &&
      models.tests.length === 0 &&
      models.models.every(({ action }) => action === 'keep'),
  };
}

const byRelation = (a: { relation: string }, b: { relation: string }): number => a.relation.localeCompare(b.relation);
