import type { DatabricksConnection } from '../warehouse/databricks.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';

/** A target that is open: a session, and the catalog that everything lies in. */
export interface Remote {
  readonly connection: DatabricksConnection;
  readonly catalog: string;
}

/** Our own schema on the target: the record of deployments, the lock, the volume. */
export const OWN_SCHEMA = 'meetup';
export const OWN_VOLUME = 'files';

/** `catalog`.`schema`.`name`, quoted. */
export const nameOn = ({ catalog }: Pick<Remote, 'catalog'>, schema: string, name: string): string =>
  quoteNames(catalog, schema, name);

/** A relation by `schema.name`, in its parts. */
export function partsOf(relation: string): [schema: string, name: string] {
  const dot = relation.indexOf('.');
  return [relation.slice(0, dot), relation.slice(dot + 1)];
}

/** The same with its catalog, quoted. */
export const relationOn = (remote: Pick<Remote, 'catalog'>, relation: string): string =>
  nameOn(remote, ...partsOf(relation));

export const dropStatement = (remote: Pick<Remote, 'catalog'>, relation: string, kind: 'table' | 'view'): string =>
  `drop ${kind} if exists ${relationOn(remote, relation)}`;

/** The schemas that these relations lie in. */
export const schemasOf = (relations: readonly string[]): string[] => [
  ...new Set(relations.map((relation) => partsOf(relation)[0])),
];

/** A path in our volume. */
export const volumePath = ({ catalog }: Pick<Remote, 'catalog'>, ...parts: readonly string[]): string =>
  ['', 'Volumes', catalog, OWN_SCHEMA, OWN_VOLUME, ...parts].join('/');

/** How many statements are asked at once: each costs more waiting than work. */
const AT_ONCE = 4;

/**
 * Does the same with each item, a few at once, and keeps their order. Where one fails, no other is begun, and it is
 * thrown when those under way have ended: who puts things back then must not be overtaken by them.
 */
export async function each<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length && failures.length === 0; i = next++) {
      const item = items[i];
      if (item === undefined) continue;
      await work(item).then(
        (result) => results.set(i, result),
        (error: unknown) => failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
