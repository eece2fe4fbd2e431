import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import type { RemoteName } from '../targets/target.ts';
import type { DatabricksConnection, StatementOptions } from '../warehouse/databricks.ts';
import { quoteName, quoteNames, quoteText } from '../warehouse/databricks-sql.ts';
import type { Seed } from './closure.ts';
import { type ManifestNode, type PullManifest, sourcesAbove } from './manifest.ts';
import type { LocalProject } from './open-sources.ts';
import { columnOfTest, identifies, type Relations, sourceColumnsOf, testedNode } from './references.ts';
import type { SourceTable } from './source-tables.ts';

/** So many failing rows show what is wrong. */
const FAILING_ROWS = 20;

/** A data test, compiled for a target. */
export interface FailingTest {
  readonly node: ManifestNode;
  readonly sql: string;
  /** The sources that it is made from. */
  readonly sources: ReadonlySet<string>;
}

/**
 * Finds and compiles a data test.
 * @throws MeetupError if the project has no such test, or more than one.
 */
export async function failingTest(
  name: string,
  manifest: PullManifest,
  engine: EngineClient,
  { paths, target }: { readonly paths: Paths; readonly target: RemoteName },
): Promise<FailingTest> {
  const tests = Object.values(manifest.nodes).filter(({ resource_type: kind }) => kind === 'test');
  const found = tests.filter((test) => [test.name, test.alias, test.unique_id].includes(name));
  const [node] = found;
  if (node === undefined) {
    throw new MeetupError(
      `The project has no data test ${name}: \`./meetup build --target ${target}\` names those that fail.`,
    );
  }
  if (found.length > 1) {
    throw new MeetupError(
      `Several data tests are called ${name}: name one of ${found.map((test) => test.unique_id).join(', ')}.`,
    );
  }
  const answer = await engine.compile({ target, uniqueIds: [node.unique_id] });
  requireReadable(answer);
  const compiled = answer.nodes.find(({ uniqueId }) => uniqueId === node.unique_id)?.compiledPath;
  if (compiled == null)
    throw new MeetupError(`${name} can't be compiled for ${target}: \`./meetup build --target ${target}\` says why.`);
  const sql = await readFile(resolve(paths.dbtProject, compiled), 'utf8');
  return { node, sql, sources: sourcesAbove(manifest, [node.unique_id]) };
}

interface OnTarget {
  readonly test: FailingTest;
  readonly there: PullManifest;
  readonly project: LocalProject;
  readonly tables: readonly SourceTable[];
  readonly relations: Relations;
  readonly connection: DatabricksConnection;
  readonly catalog: string;
}

/**
 * The keys of the rows that a test finds on the target. If the test only returns values of the tested column, they are those of the
 * model's rows with these values.
 * @throws MeetupError if the test finds nothing, or its rows have no key of a source.
 */
export async function seedsOfTest(on: OnTarget, options: StatementOptions): Promise<Seed[]> {
  const { test, connection } = on;
  const found = `(select * from (${test.sql.trim().replace(/;$/, '')}\n) limit ${FAILING_ROWS})`;
  const columns = await columnsOf(connection, found, options);
  const [count] = await connection.rows(`select count(*) as n from ${found}`, options);
  if (Number(count?.n) === 0)
    throw new MeetupError(`${test.node.name} finds no row on the target, so there is nothing to pull.`);
  const own = await seedsIn(on, found, columns, options);
  if (own.length > 0) return own;
  const rows = await rowsOfTested(on, found, columns, options);
  const behind = rows === undefined ? [] : await seedsIn(on, rows, await columnsOf(connection, rows, options), options);
  if (behind.length > 0) return behind;
  throw new MeetupError(
    `The rows that ${test.node.name} finds have no column that is a key of a source or refers to one (${columns.join(', ')}): pull with --keys.`,
  );
}

/** The rows that a generic test is about, if it returns nothing but values of the tested column; undefined if that can't be known. */
async function rowsOfTested(
  on: OnTarget,
  found: string,
  columns: readonly string[],
  options: StatementOptions,
): Promise<string | undefined> {
  const { node } = on.test;
  const place = testedPlace(on);
  const column = columnOfTest(node);
  if (place === undefined || column === undefined) return undefined;
  const rows = (condition: string): string => `(select * from ${place} where ${condition} limit ${FAILING_ROWS})`;
  // dbt's not_null returns the column alone, so nothing but nulls.
  if (node.test_metadata?.name === 'not_null') return rows(`${quoteName(column)} is null`);
  const returned = columns.find((name) => ['unique_field', 'from_field', 'value_field'].includes(name));
  const values = returned === undefined ? [] : await valuesOf(on.connection, found, returned, options);
  if (values.length === 0) return undefined;
  return rows(`cast(${quoteName(column)} as string) in (${values.map(quoteText).join(', ')})`);
}

/** The relation that a generic test is about, quoted. */
function testedPlace({ test: { node }, there, catalog }: OnTarget): string | undefined {
  const id = testedNode(node, there) ?? '';
  const [model, source] = [there.nodes[id], there.sources[id]];
  if (model !== undefined) return quoteNames(model.database ?? catalog, model.schema, model.alias);
  return source && quoteNames(source.database ?? catalog, source.schema, source.identifier);
}

/**
 * The keys of sources among the columns of some rows, and their values. If there are none, the columns that refer to a key: they choose more
 * rows, because many may refer to one.
 */
async function seedsIn(
  on: OnTarget,
  rows: string,
  columns: readonly string[],
  options: StatementOptions,
): Promise<Seed[]> {
  const { references } = on.relations;
  const isKey = (table: string, column: string): boolean => identifies(on.relations, table, column);
  const refers = (table: string, column: string): boolean =>
    references.some(({ child, path }) => child === table && path.length === 1 && path[0]?.toLowerCase() === column);
  for (const isChosen of [isKey, refers]) {
    const seeds = await seedsAmong(on, rows, columns, isChosen, options);
    if (seeds.length > 0) return seeds;
  }
  return [];
}

/** @param isChosen whether a column of a source, in lower case, may choose rows. */
async function seedsAmong(
  { test: { node, sources }, project, tables, connection }: OnTarget,
  rows: string,
  columns: readonly string[],
  isChosen: (table: string, column: string) => boolean,
  options: StatementOptions,
): Promise<Seed[]> {
  const needed = tables.filter(({ id }) => sources.has(id));
  const seeds: Seed[] = [];
  for (const name of columns) {
    const traced = node.attached_node == null ? [] : sourceColumnsOf({ ...project, tables }, node.attached_node, name);
    const sameName = needed
      .filter((table) => table.columns.has(name.toLowerCase()))
      .map(({ id }) => ({ table: id, path: [name] }));
    const place = [...traced, ...sameName].find(
      ({ table, path }) => path.length === 1 && isChosen(table, (path[0] ?? '').toLowerCase()),
    );
    if (place === undefined) continue;
    const values = await valuesOf(connection, rows, name, options);
    const wanted = { kind: 'values', values } as const;
    if (values.length > 0) seeds.push({ table: place.table, column: place.path[0] ?? '', wanted });
  }
  return seeds;
}

async function valuesOf(
  connection: DatabricksConnection,
  rows: string,
  column: string,
  options: StatementOptions,
): Promise<string[]> {
  const found = await connection.rows(
    `select distinct cast(${quoteName(column)} as string) as value from ${rows}`,
    options,
  );
  return found.flatMap(({ value }) => (value == null ? [] : [String(value)]));
}

async function columnsOf(connection: DatabricksConnection, rows: string, options: StatementOptions): Promise<string[]> {
  const described = await connection.rows(`describe query select * from ${rows}`, options);
  return described.map(({ col_name: name }) => String(name));
}
