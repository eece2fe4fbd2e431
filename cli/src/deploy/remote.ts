import type { DatabricksConnection } from '../warehouse/databricks.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';

/** An open target: a session, and the catalog that holds everything. */
export interface Remote {
  readonly connection: DatabricksConnection;
  readonly catalog: string;
}

/** meetup's own schema on the target: the ledger, the lock and the volume. */
export const OWN_SCHEMA = 'meetup';
export const OWN_VOLUME = 'files';

/** `catalog`.`schema`.`name`, quoted. */
export const nameOn = ({ catalog }: Pick<Remote, 'catalog'>, schema: string, name: string): string =>
  quoteNames(catalog, schema, name);

/** Splits `schema.name` into its parts. */
export function partsOf(relation: string): [schema: string, name: string] {
  const dot = relation.indexOf('.');
  return [relation.slice(0, dot), relation.slice(dot + 1)];
}

/** `schema.name` with its catalog, quoted. */
export const relationOn = (remote: Pick<Remote, 'catalog'>, relation: string): string =>
  nameOn(remote, ...partsOf(relation));

export const dropStatement = (remote: Pick<Remote, 'catalog'>, relation: string, kind: 'table' | 'view'): string =>
  `drop ${kind} if exists ${relationOn(remote, relation)}`;

/** The schemas of these relations. */
export const schemasOf = (relations: readonly string[]): string[] => [
  ...new Set(relations.map((relation) => partsOf(relation)[0])),
];

/** A path in meetup's volume. */
export const volumePath = ({ catalog }: Pick<Remote, 'catalog'>, ...parts: readonly string[]): string =>
  ['', 'Volumes', catalog, OWN_SCHEMA, OWN_VOLUME, ...parts].join('/');
