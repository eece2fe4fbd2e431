import { bucketsOf, fingerprintOf, rowsIn } from '../../src/compare/buckets.ts';
import { databricksSide } from '../../src/compare/side.ts';
import { listSchemas } from '../../src/deploy/relations.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { mapConcurrently } from '../../src/warehouse/map-concurrently.ts';

/** What the schemas of a target hold, each relation by its kind, columns and rows: equal texts, equal contents. */
export async function contentsOf(remote: Remote): Promise<Record<string, string>> {
  const side = databricksSide('target', remote.connection, remote.catalog);
  const relations = [...(await listSchemas(remote, ['raw', 'staging', 'marts']))];
  const contents = await mapConcurrently(relations, async ([relation, kind]): Promise<[string, string]> => {
    const [schema = '', name = ''] = relation.split('.');
    const columns = (await side.columns(schema, name)) ?? [];
    const buckets = await bucketsOf(side, { schema, name, keys: columns, columns });
    return [relation, JSON.stringify([kind, columns, rowsIn(buckets), String(fingerprintOf(buckets))])];
  });
  return Object.fromEntries(contents);
}
