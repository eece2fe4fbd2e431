import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** A statement that the rehearsal's gateway received, and when (ISO 8601). */
export interface Received {
  readonly at: string;
  readonly statement: string;
}

const receivedSchema = z.object({ at: z.string(), statement: z.string() });

/** The statements that a rehearsal has received since it started, oldest first. */
export async function statementsIn(log: string): Promise<Received[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => receivedSchema.parse(JSON.parse(line)));
}

/** Purposes in the order of the table, each with the statements that it covers, without dbt's comment. The first that fits counts. */
const OWN: readonly (readonly [purpose: string, fits: RegExp])[] = [
  ['whether the warehouse answers', /^select 1( as one)?$/],
  ['the lease', /\bdeploy_lock\b/],
  ['the ledger', /\bdeployments\b/],
  ['branches: what is recorded', /`meetup`\.`branches`/],
  ['which relations there are', /^show (tables|views|schemas) |information_schema`\.`tables`/],
  ['versions of tables', /^describe history /],
  ['definitions of views', /^show create table |information_schema`\.`views`/],
  ['batches that the target has', /`raw`\.`batches` as b /],
  ['columns of tables', /^(describe table|show columns|describe detail) |information_schema`\.`columns`/],
  ['uploads', /^(put|get|remove) |binaryfile\./],
  ['raw rows', /`raw`\./],
  ["readers' views", /^(alter|create|drop) view /],
  ['comparison of marts', /\brow_hash\b|\bkey_hash\b/],
  ['schemas, volumes and tables of the deployment itself', /^(create|drop) (schema|volume|table) /],
];

const DBT: readonly (readonly [purpose: string, fits: RegExp])[] = [
  ['dbt: the lease and the ledger', /\bdeploy_lock\b|`meetup`\.`deployments`/],
  ['dbt: which relations there are', /^show (tables|views|schemas) |information_schema/],
  ['dbt: versions, properties and columns', /^(describe|desc|show) /],
  ['dbt: schemas', /^create schema /],
  ["dbt: readers' views", /^(alter view |create view if not exists )/],
  ['dbt: models', /^(create|insert|merge|drop|alter|optimize|delete|truncate|comment) /],
  ['dbt: columns of contracts and queries', /^select \* from \( .*\) as __dbt_sbq where false limit 0$/],
  ['dbt: data tests', /^select count\(\*\) as failures/],
];

const REST = 'other statements';

/** What a statement is for. */
export function purposeOf(statement: string): string {
  const isOfDbt = /^\s*\/\*\s*\{.*?"app":\s*"dbt/s.test(statement);
  const sql = statement
    .replace(/^\s*\/\*.*?\*\/\s*/s, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
  return (isOfDbt ? DBT : OWN).find(([, fits]) => fits.test(sql))?.[0] ?? (isOfDbt ? 'dbt: other statements' : REST);
}

/** A Markdown table of how many statements each of several steps sent, by purpose. */
export function statementTable(steps: ReadonlyMap<string, readonly Received[]>): string {
  const counts = new Map(
    [...steps].map(([step, received]) => {
      const found = new Map<string, number>();
      for (const { statement } of received) {
        const purpose = purposeOf(statement);
        found.set(purpose, (found.get(purpose) ?? 0) + 1);
      }
      return [step, found];
    }),
  );
  const purposes = [...OWN, ...DBT, ['dbt: other statements'], [REST]].map(([purpose]) => purpose ?? REST);
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const lines = purposes
    .map((purpose) => [purpose, ...[...counts.values()].map((found) => found.get(purpose) ?? 0)])
    .filter(([, ...found]) => found.some((count) => count !== 0));
  return [
    row(['statements', ...steps.keys()]),
    `|---|${'---:|'.repeat(steps.size)}`,
    ...lines.map(row),
    row(['all', ...[...steps.values()].map(({ length }) => length)]),
  ].join('\n');
}
