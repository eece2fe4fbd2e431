import { readFileSync } from 'node:fs';
import { z } from 'zod';

const parameterSchema = z.tuple([z.string(), z.string().nullable()]);

const caseSchema = z.object({
  name: z.string(),
  do: z.enum(['rows', 'large', 'update', 'error', 'metadata', 'together', 'cancel', 'volume', 'missing']),
  sql: z.string().default(''),
  path: z.string().default(''),
  before: z.array(z.string()).optional(),
  /** The drivers that can; all of them unless it is said. */
  only: z.array(z.string()).optional(),
  positional: z.array(parameterSchema).optional(),
  named: z.record(z.string(), parameterSchema).optional(),
  call: z.string().optional(),
  catalog: z.string().optional(),
  schema: z.string().optional(),
  table: z.string().optional(),
  columns: z.array(z.string()).optional(),
  rows: z.array(z.array(z.unknown())).optional(),
  /**
   * What comes instead in a driver that has fewer types: Node's makes the same objects of maps and of structs, Python's makes
   * doubles of integers among which are nulls.
   */
  rowsIn: z.record(z.string(), z.array(z.array(z.unknown()))).optional(),
  /** Rows that are among those of the answer; none: the answer has none. */
  has: z.array(z.array(z.unknown())).optional(),
  count: z.number().optional(),
  state: z.string().optional(),
  words: z.string().optional(),
});

/** Something that every driver is to do alike. */
export type Case = z.infer<typeof caseSchema>;

/** Where the rehearsal is, and what to do there. */
export interface Given {
  readonly host: string;
  readonly port: number;
  readonly httpPath: string;
  readonly token: string;
  readonly caFile: string;
  readonly cases: readonly Case[];
}

export const outcomeSchema = z.object({
  name: z.string(),
  outcome: z.unknown().optional(),
  failed: z.string().optional(),
});

/** What came of a case: a value, or why there is none. */
export interface Outcome {
  readonly name: string;
  readonly outcome?: unknown;
  readonly failed?: string | undefined;
}

/** The common cases of a driver, with a table and files of its own. */
export function casesFor(driver: string): Case[] {
  const text = readFileSync(new URL('cases.json', import.meta.url), 'utf8').replaceAll('SELF', driver);
  return z
    .array(caseSchema)
    .parse(JSON.parse(text))
    .filter(({ only }) => only === undefined || only.includes(driver))
    .map((test) => ({ ...test, rows: test.rowsIn?.[driver] ?? test.rows }));
}
