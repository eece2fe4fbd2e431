import { readFileSync } from 'node:fs';
import { z } from 'zod';

const parameterSchema = z.tuple([z.string(), z.string().nullable()]);

const caseSchema = z.object({
  name: z.string(),
  do: z.enum(['rows', 'large', 'update', 'error', 'metadata', 'together', 'cancel', 'volume', 'missing', 'library']),
  sql: z.string().default(''),
  path: z.string().default(''),
  before: z.array(z.string()).optional(),
  /** The clients that support this, by default all of them. */
  only: z.array(z.string()).optional(),
  /** Clients that don't support this, and why. */
  without: z.record(z.string(), z.string()).optional(),
  positional: z.array(parameterSchema).optional(),
  named: z.record(z.string(), parameterSchema).optional(),
  call: z.string().optional(),
  catalog: z.string().optional(),
  schema: z.string().optional(),
  table: z.string().optional(),
  columns: z.array(z.string()).optional(),
  rows: z.array(z.array(z.unknown())).optional(),
  /**
   * Different rows for a driver with fewer types: Node's returns maps and structs as the same kind of object, and Python's returns
   * integers as doubles if there are nulls among them.
   */
  rowsIn: z.record(z.string(), z.array(z.array(z.unknown()))).optional(),
  /** Rows that the answer contains. If the list is empty, the answer must be empty. */
  has: z.array(z.array(z.unknown())).optional(),
  count: z.number().optional(),
  state: z.string().optional(),
  words: z.string().optional(),
});

/** Something that every driver should do in the same way. */
export type Case = z.infer<typeof caseSchema>;

/** The connection to the rehearsal, and the cases to run there. */
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

/** The outcome of a case: a value, or the reason for its failure. */
export interface Outcome {
  readonly name: string;
  readonly outcome?: unknown;
  readonly failed?: string | undefined;
}

/** The common cases for a driver, with its own table and files. */
export function casesFor(driver: string): Case[] {
  const text = readFileSync(new URL('cases.json', import.meta.url), 'utf8').replaceAll('SELF', driver);
  return z
    .array(caseSchema)
    .parse(JSON.parse(text))
    .filter(({ only, without }) => only?.includes(driver) ?? without?.[driver] === undefined)
    .map((test) => ({ ...test, rows: test.rowsIn?.[driver] ?? test.rows }));
}
