import { z } from 'zod';
import { redactionOf } from '../ingest/forgotten/redact-record.ts';
import { readTombstones } from '../ingest/forgotten/tombstones.ts';
import { readContracts } from '../ingest/schemas.ts';
import { quoteText } from '../warehouse/databricks-sql.ts';
import type { DeployContext } from './context.ts';
import { foreignIn } from './owners.ts';
import { relationOf } from './plan/models.ts';
import type { Survey } from './plan/survey.ts';
import { type Remote, relationOn } from './remote.ts';

/** How many rows are read at a time. */
const PORTION = 20_000;
/** dbt's own column: a hash of a row's key and the moment of its version. */
const ROW = 'dbt_scd_id';

/** The project's snapshots on the target. They are history and never built again, so forgotten rows have to be taken out of them. */
export function snapshotsOn({
  changes,
  present,
  deployed,
}: Pick<Survey, 'changes' | 'present' | 'deployed'>): string[] {
  return changes.nodes
    .filter(({ resourceType, relation }) => resourceType === 'snapshot' && relation !== null)
    .map(relationOf)
    .filter((relation) => present.get(relation) === 'table' && foreignIn(deployed, [relation]).length === 0);
}

/**
 * Takes the rows that hold something forgotten out of the target's snapshots, by the rule for local ones: those with it in a column or
 * a field with the name of a key. Which rows these are is found here, because only this machine can compare hashes.
 */
export async function forgetInSnapshots(
  context: Pick<DeployContext, 'remote' | 'paths' | 'effects'>,
  snapshots: readonly string[],
): Promise<void> {
  const { remote, paths, effects } = context;
  const redact = redactionOf('', await readContracts(paths.schemas), await readTombstones(paths.data));
  if (redact === undefined) return;
  for (const snapshot of snapshots) {
    effects.reporter.progress(`searching ${snapshot} for what was forgotten`);
    const rows: string[] = [];
    for await (const { id, record } of recordsOf(remote, snapshot)) {
      if (redact(JSON.parse(record)).kind !== 'untouched') rows.push(id);
    }
    if (rows.length > 0) await remote.connection.run(withoutRows(remote, snapshot, rows), { signal: effects.signal });
  }
}

/**
 * All other rows are written into new files, instead of a `delete`: that may only mark rows as deleted in a file that stays, which
 * no `vacuum` removes.
 */
const withoutRows = (remote: Remote, snapshot: string, rows: readonly string[]): string => {
  const place = relationOn(remote, snapshot);
  return `insert overwrite ${place} select * from ${place} where ${ROW} is null or ${ROW} not in (${rows.map(quoteText).join(', ')})`;
};

const countSchema = z.array(z.object({ n: z.coerce.number() }));
const rowSchema = z.array(z.object({ id: z.string(), record: z.string() }));

async function* recordsOf({ connection, catalog }: Remote, snapshot: string) {
  const place = relationOn({ catalog }, snapshot);
  const [{ n } = { n: 0 }] = countSchema.parse(await connection.rows(`select count(*) as n from ${place}`));
  const portions = Math.max(1, Math.ceil(n / PORTION));
  for (let at = 0; at < portions; at += 1) {
    yield* rowSchema.parse(
      await connection.rows(
        `select ${ROW} as id, to_json(struct(*)) as record from ${place} where ${ROW} is not null and pmod(xxhash64(${ROW}), ${portions}) = ${at}`,
      ),
    );
  }
}
