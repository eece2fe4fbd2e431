import { createHash } from 'node:crypto';
import type { RawTable } from '../../ingest/raw-tables.ts';
import type { ContractBreak } from '../../lineage/contract-breaks.ts';
import type { RemoteName } from '../../targets/target.ts';
import type { GitState } from '../git.ts';
import { keepStatements } from '../kept-tables.ts';
import type { ForeignRelation } from '../owners.ts';
import type { PublishStep } from '../publish/published.ts';
import { createSchemaStatement } from '../publish/view-sql.ts';
import { statementsOf } from '../publish/views.ts';
import type { Batch } from '../raw/batches.ts';
import { type ColumnChanges, changeColumnsStatements, isRewritten } from '../raw/column-changes.ts';
import type { Upload } from '../raw/export.ts';
import { appendStatement, clearStatements, rawSchemaStatement, rawTableStatements } from '../raw/land.ts';
import { dropStatement } from '../remote.ts';
import type { ModelPlan, ModelsPlan, ProjectNode } from './models.ts';
import type { TargetOnly } from './target-only.ts';

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
  /** Raw tables whose columns change. */
  readonly columns: readonly {
    readonly table: string;
    readonly added: readonly string[];
    readonly retyped: ColumnChanges['retyped'];
  }[];
  readonly models: readonly ModelPlan[];
  /** Relations that only the target builds, so that nothing local has checked them. */
  readonly targetOnly: readonly TargetOnly[];
  /** Tables of somebody else that are read where they are: `catalog.schema.name`. */
  readonly reads: readonly string[];
  /** The volume in which files land for a task on the target, so that nothing is uploaded; null if `deploy` uploads. */
  readonly landed: string | null;
  /** What the readers of public models lose. */
  readonly breaks: readonly ContractBreak[];
  /** What happens to the views that readers have, once all tests have passed. */
  readonly publishes: readonly PublishStep[];
  /** The number of data tests to run. */
  readonly tests: number;
  /** Drift since the last deployment. */
  readonly drift: readonly { readonly relation: string; readonly what: string }[];
  /** Relations of another project that this deployment would replace. */
  readonly foreign: readonly ForeignRelation[];
  /** Ids of the tombstones of what the target may still hold: all raw rows are replaced, and all models built from them. */
  readonly forgets: readonly string[];
  /** Whether earlier versions of tables are removed afterwards, because they may hold something forgotten. */
  readonly vacuums: boolean;
  /**
   * Statements that change relations besides dbt's own, in order, exactly as they are sent; without those that pin views, because
   * they name versions that are read when the deployment begins.
   */
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
  /** How files land on the target; undefined if `deploy` uploads. Tables that are missing are made. */
  readonly landing: { readonly volume: string; readonly missing: readonly RawTable[] } | undefined;
  readonly columnChanges: readonly ColumnChanges[];
  readonly targetOnly: readonly TargetOnly[];
  readonly reads: readonly string[];
  readonly foreign: readonly ForeignRelation[];
  readonly breaks: readonly ContractBreak[];
  readonly publishes: readonly PublishStep[];
  readonly forgets: readonly string[];
  readonly vacuums: boolean;
}

/** Makes a plan. The same inputs give the same hash on any machine. */
export function makePlan(input: PlanInput): DeployPlan {
  const { target, git, models, uploads } = input;
  const drift = [...input.drift].map(([relation, what]) => ({ relation, what })).sort(byRelation);
  const statements = [
    ...landedTableStatements(target, input.landing?.missing ?? []),
    ...(input.makesRaw ? [rawSchemaStatement(target), ...rawTableStatements(target, input.rawTables)] : []),
    ...(input.replacesRaw ? clearStatements(target, keptTables(input)) : []),
    ...input.columnChanges.flatMap((changes) => changeColumnsStatements(target, changes, input.rawTables)),
    ...uploads.map((upload) => appendStatement(target, upload, input.rawTables)),
    ...models.setAside.flatMap((relation) => keepStatements(target, relation)),
    ...new Set(
      input.publishes
        .filter(({ view, what }) => what !== 'drop' && !input.present.has(view))
        .map(({ view }) => createSchemaStatement(target, view)),
    ),
    ...input.publishes.flatMap((step) => statementsOf(target, step, input.present)),
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
    columns: input.columnChanges.map(({ table, added, retyped }) => ({
      table,
      added: added.map(({ name }) => name),
      retyped,
    })),
    models: models.models,
    targetOnly: input.targetOnly,
    reads: input.reads,
    landed: input.landing === undefined ? null : `${target.catalog}.${input.landing.volume}`,
    breaks: input.breaks,
    forgets: input.forgets,
    vacuums: input.vacuums,
    publishes: input.publishes,
    tests: models.tests.length,
    drift,
    foreign: input.foreign,
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
    columnChanges: input.columnChanges,
    missingLanded: (input.landing?.missing ?? []).map(({ name }) => name),
  };
  return {
    hash: createHash('sha256').update(JSON.stringify(hashed)).digest('hex').slice(0, 32),
    ...plan,
    uploads: uploads.map(({ table, rows, bytes }) => ({ table, rows, bytes })),
    statements,
    empty:
      uploads.length === 0 &&
      input.columnChanges.length === 0 &&
      !input.makesRaw &&
      (input.landing?.missing.length ?? 0) === 0 &&
      !input.replacesRaw &&
      !input.vacuums &&
      models.tests.length === 0 &&
      input.publishes.length === 0 &&
      models.models.every(({ action }) => action === 'keep'),
  };
}

/** The statements that make the tables that a task on the target will fill. */
export const landedTableStatements = (target: { readonly catalog: string }, missing: readonly RawTable[]): string[] =>
  missing.length === 0 ? [] : [rawSchemaStatement(target), ...rawTableStatements(target, missing)];

/** The raw tables that a replacement of all rows empties; the others are written anew. */
export const keptTables = ({ rawTables, columnChanges }: Pick<PlanInput, 'rawTables' | 'columnChanges'>): RawTable[] =>
  rawTables.filter(({ name }) => !columnChanges.some((changes) => isRewritten(changes) && changes.table === name));

const byRelation = (a: { relation: string }, b: { relation: string }): number => a.relation.localeCompare(b.relation);
