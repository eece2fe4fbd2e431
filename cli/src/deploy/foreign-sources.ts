import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { ChangesAnswer } from '../engine/protocol.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import type { Remote } from './remote.ts';

/** A table that somebody else owns: a deployment reads it where it is, and never creates, fills or replaces it. */
export interface ForeignSource {
  readonly uniqueId: string;
  /** Catalog, schema and name. */
  readonly place: readonly [catalog: string, schema: string, name: string];
}

/**
 * The sources that nodes read and nothing of this project makes: neither `load`, nor a model, seed or snapshot.
 * @param ours relations (`schema.name`) in the catalog that this project makes, raw tables included
 */
export function foreignSources(
  { nodes, sources }: Pick<ChangesAnswer, 'nodes' | 'sources'>,
  ours: ReadonlySet<string>,
  catalog: string,
): ForeignSource[] {
  const read = new Set(nodes.flatMap(({ dependsOn }) => dependsOn));
  const isOurs = (source: ForeignOrOwn): boolean =>
    isInCatalog(source, catalog) && ours.has(`${source.schema}.${source.name}`);
  return sources
    .filter((source) => read.has(source.uniqueId) && !isOurs(source))
    .map(
      ({ uniqueId, database, schema, name }): ForeignSource => ({
        uniqueId,
        place: [database ?? catalog, schema, name],
      }),
    )
    .sort((a, b) => a.uniqueId.localeCompare(b.uniqueId));
}

/** Whether a source is in the catalog that is deployed to: a name there may be taken in another catalog too. */
export const isInCatalog = ({ database }: Pick<ForeignOrOwn, 'database'>, catalog: string): boolean =>
  (database ?? catalog) === catalog;

type ForeignOrOwn = ChangesAnswer['sources'][number];

const hooksSchema = z.looseObject({ nodes: z.record(z.string(), z.looseObject({ raw_code: z.string().nullish() })) });

/** A hook that only takes the lease and writes the ledger, as `record_hooks.py` of the engine tells. */
const OWN_HOOK = /^\s*\{\{\s*meetup_run_(begins\(\s*\)|ends\(\s*results\s*\))\s*\}\}\s*$/;

/**
 * Makes sure that they exist before anything is done. A project with hooks may make them itself, so that they can't be required yet.
 * @throws MeetupError for the first that doesn't exist, or that this principal can't see.
 */
export async function requireForeignSources(
  remote: Remote,
  target: string,
  sources: readonly ForeignSource[],
  manifestFile: string,
): Promise<void> {
  if (sources.length === 0) return;
  const { nodes } = await readJsonFile(manifestFile, hooksSchema, 'remove it, and try again');
  const hooks = Object.entries(nodes).filter(([id]) => id.startsWith('operation.'));
  if (hooks.some(([, { raw_code: code }]) => !OWN_HOOK.test(code ?? ''))) return;
  await mapConcurrently(sources, async ({ uniqueId, place }) => {
    try {
      await remote.connection.rows(`describe table ${quoteNames(...place)}`);
    } catch (error) {
      if (!isNotThere(error)) throw error;
      throw new MeetupError(
        `${target} has no table ${place.join('.')}, which ${uniqueId} names and somebody else has to provide: correct the source, or ask for the table or for the right to read it. Nothing was deployed.`,
        { cause: error },
      );
    }
  });
}
