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
