import type { BuildLog } from '../../engine/build-log.ts';
import type { ColumnRows } from '../../lineage/column-rows.ts';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier } from '../../warehouse/sql.ts';
import type { Catalog, ModelInfo } from './models.ts';

/** Temporary tables about the pipeline itself, which pages may read like marts. docs/dashboard.md lists their columns. */
const TABLES = {
  pipeline_models: `model varchar, kind varchar, schema varchar, owner varchar, is_public boolean, materialized varchar, file varchar,
    description varchar, row_count bigint, columns bigint, described_columns bigint, status varchar, seconds double, ran_at timestamp,
    rows_written bigint, rows_changed bigint, tests bigint, failing_tests bigint, slowest_test_seconds double`,
  pipeline_tests:
    'test varchar, kind varchar, model varchar, status varchar, seconds double, failing_rows bigint, ran_at timestamp',
  pipeline_builds: `build bigint, ended_at timestamp, status varchar, seconds double, why varchar, models bigint, tests bigint,
    failed bigint, spared bigint`,
  pipeline_last_build: `name varchar, kind varchar, status varchar, seconds double, rows_written bigint, rows_changed bigint`,
  pipeline_columns: 'model varchar, position bigint, "column" varchar, type varchar, description varchar',
  // Empty until a query asks for them.
  pipeline_column_feeds: `model varchar, "column" varchar, "from" varchar, kind varchar, from_columns varchar, decides varchar, steps bigint`,
  pipeline_column_readers:
    'model varchar, "column" varchar, reader varchar, kind varchar, reader_columns varchar, owner varchar',
  pipeline_links: 'model varchar, direction varchar, name varchar, kind varchar, owner varchar',
} as const;

export type PipelineTable = keyof typeof TABLES;
export const isPipelineTable = (name: string): name is PipelineTable => Object.hasOwn(TABLES, name);

type Cell = string | number | boolean | null;

/** Creates and fills the tables, in the connection's temporary schema: the database itself stays read-only. */
export async function createPipelineTables(
  warehouse: DuckDbWarehouse,
  { models, exposures, metrics }: Catalog,
  log: BuildLog,
): Promise<void> {
  for (const [name, columns] of Object.entries(TABLES)) await warehouse.run(`create temp table ${name} (${columns})`);
  const counts = await rowCounts(warehouse);
  await insert(
    warehouse,
    'pipeline_models',
    models.map((model) => modelRow(model, log, counts)),
  );
  await insert(warehouse, 'pipeline_tests', testRows(models, log));
  await insert(warehouse, 'pipeline_builds', buildRows(log));
  await insert(warehouse, 'pipeline_last_build', lastBuildRows(log));
  await insert(warehouse, 'pipeline_columns', models.flatMap(columnRows));
  await insert(warehouse, 'pipeline_links', linkRows({ models, exposures, metrics }));
}

/** Whether a query may read the lineage of columns: it takes long to compute, so it is only done for those that do. */
export const readsColumnLineage = (sql: string): boolean => /\bpipeline_column_(feeds|readers)\b/i.test(sql);

/** Fills the tables of column lineage. */
export async function fillColumnLineage(warehouse: DuckDbWarehouse, { feeds, readers }: ColumnRows): Promise<void> {
  await insert(
    warehouse,
    'pipeline_column_feeds',
    feeds.map((row) => ({ ...row })),
  );
  await insert(
    warehouse,
    'pipeline_column_readers',
    readers.map((row) => ({ ...row })),
  );
}

/** One JSON document for all rows: one statement, however many there are. */
async function insert(
  warehouse: DuckDbWarehouse,
  table: PipelineTable,
  rows: readonly Record<string, Cell>[],
): Promise<void> {
  if (rows.length === 0) return;
  const shape = Object.fromEntries(
    TABLES[table].split(',').map((column) => {
      const [name = '', type = ''] = column.trim().replaceAll('"', '').split(/\s+/);
      return [name, type.toUpperCase()];
    }),
  );
  await warehouse.run(
    `insert into ${table} by name select unnest(from_json_strict($rows, '${JSON.stringify([shape])}'), recursive := true)`,
    { rows: JSON.stringify(rows) },
  );
}

/** Counting a table reads only its metadata; a view would have to be computed. */
async function rowCounts(warehouse: DuckDbWarehouse): Promise<ReadonlyMap<string, number>> {
  const { rows: tables } = await warehouse.query(
    `select table_schema, table_name from information_schema.tables
     where table_catalog = current_database() and table_type = 'BASE TABLE'`,
  );
  if (tables.length === 0) return new Map();
  const counts = tables.map(
    ([schema, name], at) =>
      `select ${at} as at, count(*) as n from ${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`,
  );
  const { rows } = await warehouse.query(counts.join(' union all '));
  return new Map(rows.map(([at, n]) => [(tables[Number(at)] ?? []).join('.').toLowerCase(), Number(n)]));
}

function modelRow(model: ModelInfo, log: BuildLog, counts: ReadonlyMap<string, number>): Record<string, Cell> {
  const last = log.nodes[model.uniqueId];
  const tests = Object.values(log.nodes).filter((node) => node.tests === model.uniqueId);
  return {
    model: model.name,
    kind: model.kind,
    schema: model.schema,
    owner: model.owner ?? null,
    is_public: model.isPublic,
    materialized: model.materialized,
    file: model.file,
    description: model.description,
    row_count: counts.get(`${model.schema}.${model.relation}`.toLowerCase()) ?? null,
    columns: model.columns.size,
    described_columns: [...model.columns.values()].filter((description) => description !== '').length,
    status: last?.status ?? null,
    seconds: last === undefined ? null : last.ms / 1000,
    ran_at: momentOf(last?.at),
    rows_written: last?.rowsWritten ?? null,
    rows_changed: last?.rowsChanged ?? null,
    tests: tests.length,
    failing_tests: tests.filter(({ status }) => status === 'fail').length,
    slowest_test_seconds: tests.length === 0 ? null : Math.max(...tests.map(({ ms }) => ms)) / 1000,
  };
}

function testRows(models: readonly ModelInfo[], log: BuildLog): Record<string, Cell>[] {
  const names = new Map(models.map(({ uniqueId, name }) => [uniqueId, name]));
  return Object.values(log.nodes)
    .filter(({ kind }) => kind === 'test' || kind === 'unit_test')
    .map(({ name, kind, tests, status, ms, failures, at }) => ({
      test: name,
      kind,
      model: names.get(tests ?? '') ?? null,
      status,
      seconds: ms / 1000,
      failing_rows: failures,
      ran_at: momentOf(at),
    }));
}

function buildRows(log: BuildLog): Record<string, Cell>[] {
  return log.builds.map(({ at, status, ms, why, ran, spared }, i) => {
    const tests = ran.filter((id) => id.startsWith('test.') || id.startsWith('unit_test.')).length;
    return {
      build: i + 1,
      ended_at: momentOf(at),
      status,
      seconds: ms / 1000,
      why,
      models: ran.length - tests,
      tests,
      // Later builds may have run a node again, so only the last one is certain.
      failed: i === 0 ? ran.filter((id) => log.nodes[id]?.status === 'fail').length : null,
      spared: spared.length,
    };
  });
}

function lastBuildRows(log: BuildLog): Record<string, Cell>[] {
  return (log.builds[0]?.ran ?? []).flatMap((id) => {
    const node = log.nodes[id];
    if (node === undefined) return [];
    const { name, kind, status, ms, rowsWritten, rowsChanged } = node;
    return [{ name, kind, status, seconds: ms / 1000, rows_written: rowsWritten, rows_changed: rowsChanged }];
  });
}

function columnRows({ name: model, columns, types }: ModelInfo): Record<string, Cell>[] {
  return [...columns].map(([column, description], i) => ({
    model,
    position: i + 1,
    column,
    type: types.get(column) || null,
    description,
  }));
}

/** What each model reads, and what reads it. */
function linkRows({ models, exposures, metrics }: Catalog): Record<string, Cell>[] {
  const known = new Map(models.map((model) => [model.uniqueId, model]));
  const reads = models.flatMap((model) =>
    model.dependsOn.map((id) => {
      const above = known.get(id);
      return above === undefined
        ? { model: model.name, direction: 'reads', name: sourceName(id), kind: id.split('.')[0] ?? '', owner: null }
        : { model: model.name, direction: 'reads', name: above.name, kind: above.kind, owner: above.owner ?? null };
    }),
  );
  const readers = [
    ...models.map(({ name, kind, owner, dependsOn }) => ({ name, kind, owner, dependsOn })),
    ...exposures.map((exposure) => ({ ...exposure, kind: 'exposure' })),
    ...metrics.map((metric) => ({ ...metric, kind: 'metric' })),
  ];
  const readBy = readers.flatMap(({ name, kind, owner, dependsOn }) =>
    dependsOn.flatMap((id) => {
      const above = known.get(id);
      return above === undefined
        ? []
        : [{ model: above.name, direction: 'is read by', name, kind, owner: owner ?? null }];
    }),
  );
  return [...reads, ...readBy];
}

/** `source.<project>.<source>.<table>` as people write it. */
const sourceName = (uniqueId: string): string => uniqueId.split('.').slice(2).join('.');

/** DuckDB's timestamps have no time zone; these are UTC. */
const momentOf = (iso: string | undefined): string | null => iso?.replace(/Z$/, '') ?? null;
