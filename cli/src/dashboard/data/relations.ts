import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteLiteral } from '../../warehouse/sql.ts';

/** A relation that a statement names. */
export interface NamedRelation {
  readonly schema: string | undefined;
  readonly name: string;
}

/** Functions that read relations whose names are values, which nothing can check in advance. */
const UNCHECKED = new Set(['query', 'query_table']);

const answerSchema = z.object({
  error: z.boolean(),
  error_message: z.string().optional(),
  statements: z.unknown().optional(),
});

/**
 * The relations that a query names, without its CTEs, as DuckDB's own parser sees them.
 * @throws MeetupError if it isn't a query.
 */
export async function relationsIn(warehouse: DuckDbWarehouse, sql: string): Promise<readonly NamedRelation[]> {
  // The function takes only a literal.
  const { rows } = await warehouse.query(`select cast(json_serialize_sql(${quoteLiteral(sql)}) as varchar)`);
  const answer = answerSchema.parse(JSON.parse(String(rows[0]?.[0] ?? '{}')));
  if (answer.error)
    throw new MeetupError(
      answer.error_message?.replace(/ can be serialized.*/, ' can be shown.') ?? 'It is not a query.',
    );
  const found = { relations: [] as NamedRelation[], ctes: new Set<string>() };
  collect(answer.statements, found);
  return found.relations.filter(({ schema, name }) => schema !== undefined || !found.ctes.has(name.toLowerCase()));
}

interface Found {
  readonly relations: NamedRelation[];
  readonly ctes: Set<string>;
}

const tableSchema = z.object({ type: z.literal('BASE_TABLE'), schema_name: z.string(), table_name: z.string() });
const cteSchema = z.object({ key: z.string(), value: z.object({ query: z.unknown() }) });
const callSchema = z.object({ type: z.literal('TABLE_FUNCTION'), function: z.object({ function_name: z.string() }) });

/** Walks DuckDB's syntax tree. */
function collect(node: unknown, found: Found): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const table = tableSchema.safeParse(node).data;
  if (table !== undefined) found.relations.push({ schema: table.schema_name || undefined, name: table.table_name });
  const cte = cteSchema.safeParse(node).data;
  if (cte !== undefined) found.ctes.add(cte.key.toLowerCase());
  const called = callSchema.safeParse(node).data?.function.function_name.toLowerCase() ?? '';
  if (UNCHECKED.has(called))
    throw new MeetupError(`It calls ${called}(), which could read anything: name the mart itself.`);
  for (const value of Object.values(node)) collect(value, found);
}
