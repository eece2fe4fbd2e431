import { needsMapping, TO_MAPPING, tableClause } from '../deploy/raw/land.ts';
import { sqlType } from '../ingest/contract/column-types.ts';
import { rawTablesOf } from '../ingest/raw-tables.ts';
import type { Contract, Contracts } from '../ingest/schemas.ts';
import { quoteName } from '../warehouse/databricks-sql.ts';
import { databricksType } from '../warehouse/databricks-types.ts';
import { type Rules, rulesOf } from './rules.ts';
import { sparkCheck } from './spark-check.ts';

/** Everything that the task knows about the entities, as meetup_landing/plan.py reads it. The same schemas give the same plan. */
export interface LandingPlan {
  readonly entities: Readonly<Record<string, PlannedEntity>>;
  readonly tables: readonly PlannedTable[];
  /** Shares between 0 and 1, as those of `load`. */
  readonly maxRejected: number;
  readonly maxGone: number;
}

interface PlannedEntity {
  readonly rules: Rules;
  /** A condition on `record_text` for records that are certainly valid; null if there is none. */
  readonly check: string | null;
  /** The type of a record in Databricks' SQL. */
  readonly type: string;
  /** The columns of its properties, quoted. */
  readonly columns: readonly string[];
  /** The properties that identify a record, with their columns' types. */
  readonly key: readonly { readonly name: string; readonly column: string; readonly type: string }[];
}

interface PlannedTable {
  readonly name: string;
  /** What follows its name in `create table`. */
  readonly clause: string;
  readonly columns: readonly { readonly name: string; readonly quoted: string; readonly type: string }[];
  /** Statements' ends that let the table have names that Delta forbids otherwise. */
  readonly mapping: string | null;
}

/** The names in it are in schema `raw`; the catalog is known when the task runs. */
export function landingPlan(contracts: Contracts, limits: Pick<LandingPlan, 'maxRejected' | 'maxGone'>): LandingPlan {
  const tables = rawTablesOf(contracts).map(
    (table): PlannedTable => ({
      name: table.name,
      clause: tableClause(table),
      columns: table.columns.map(({ name, type }) => ({ name, quoted: quoteName(name), type: databricksType(type) })),
      mapping: needsMapping(table.columns) ? TO_MAPPING : null,
    }),
  );
  const entities = Object.fromEntries([...contracts].map(([name, contract]) => [name, planned(contract)]));
  return { entities, tables, ...limits };
}

function planned({ schema, record, key }: Contract): PlannedEntity {
  const types = new Map(record.fields);
  return {
    rules: rulesOf({ schema, record }),
    check: sparkCheck(schema, record, 'record_text') ?? null,
    type: databricksType(sqlType(record)),
    columns: record.fields.map(([name]) => quoteName(name)),
    key: key.map((name) => ({
      name,
      column: quoteName(name),
      type: databricksType(sqlType(types.get(name) ?? { kind: 'json' })),
    })),
  };
}
