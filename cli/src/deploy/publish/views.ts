import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import { keepStatements } from '../kept-tables.ts';
import { listSchemas, type RelationStates, readView, stateOf } from '../relations.ts';
import { dropStatement, type Remote, schemasOf } from '../remote.ts';
import type { Shown } from './publications.ts';
import type { PublishedViews, PublishStep } from './published.ts';
import { alterViewStatement, createSchemaStatement, createViewStatement, shownBy } from './view-sql.ts';

type Listing = ReadonlyMap<string, 'table' | 'view'>;

/**
 * What existing views show of their tables.
 * @param queries the queries of views that are known already
 */
export async function readShown(
  remote: Remote,
  views: PublishedViews,
  present: Listing,
  queries: ReadonlyMap<string, string> = new Map(),
): Promise<ReadonlyMap<string, Shown>> {
  const existing = Object.entries(views).filter(([view]) => present.get(view) === 'view');
  const shown = await mapConcurrently(existing, async ([view, { of }]): Promise<[string, Shown]> => {
    const query = queries.get(view);
    if (query !== undefined) return [view, shownBy(remote, query, of)];
    const state = await readView(remote, view);
    return [view, state.kind === 'view' ? shownBy(remote, state.definition, of) : undefined];
  });
  return new Map(shown);
}

/**
 * The views that a deployment pins before it changes their tables: those that show all of a table, with that table.
 * @param deployed the views after the last deployment, which may show other tables than after this one
 */
export function viewsToPin(
  steps: readonly PublishStep[],
  deployed: PublishedViews,
  shown: ReadonlyMap<string, Shown>,
  before: RelationStates,
): Record<string, string> {
  return Object.fromEntries(
    steps
      .filter(({ view, what }) => what !== 'create' && shown.get(view) === 'all')
      .map(({ view, of }): [string, string] => [view, deployed[view]?.of ?? of])
      .filter(([, of]) => stateOf(before, of).kind === 'table'),
  );
}

/** Makes views show the version that their tables have now, while a deployment changes these. */
export async function pinViews(
  remote: Remote,
  pinned: Readonly<Record<string, string>>,
  before: RelationStates,
): Promise<void> {
  await mapConcurrently(Object.entries(pinned), async ([view, of]) => {
    const state = stateOf(before, of);
    if (state.kind === 'table') await remote.connection.run(alterViewStatement(remote, view, of, state.version));
  });
}

/** Makes pinned views show their tables as they are. Views that are gone stay away. */
export async function unpinViews(remote: Remote, pinned: Readonly<Record<string, string>>): Promise<void> {
  const views = Object.entries(pinned);
  if (views.length === 0) return;
  const present = await listSchemas(remote, schemasOf(Object.keys(pinned)));
  await mapConcurrently(
    views.filter(([view]) => present.get(view) === 'view'),
    ([view, of]) => remote.connection.run(alterViewStatement(remote, view, of)),
  );
}

/** Shows readers what a deployment has built. Every step can be repeated, so a publication that was interrupted is finished by doing it again. */
export async function publishViews(remote: Remote, steps: readonly PublishStep[]): Promise<void> {
  if (steps.length === 0) return;
  const made = steps.filter(({ what }) => what !== 'drop');
  const present = await listSchemas(remote, schemasOf(steps.map(({ view }) => view)));
  const schemas = new Set(
    made.filter(({ view }) => !present.has(view)).map(({ view }) => createSchemaStatement(remote, view)),
  );
  for (const statement of schemas) await remote.connection.run(statement);
  await mapConcurrently(steps, async (step) => {
    for (const statement of statementsOf(remote, step, present)) await remote.connection.run(statement);
  });
}

/** The statements of one step; none if it is done. */
export function statementsOf(
  remote: Pick<Remote, 'catalog'>,
  { view, what, of, comment }: PublishStep,
  present: Listing,
): string[] {
  const kind = present.get(view);
  if (what === 'drop') return kind === 'view' ? [dropStatement(remote, view, kind)] : [];
  if (kind === 'view') return [alterViewStatement(remote, view, of)];
  const create = createViewStatement(remote, view, { of, comment });
  return kind === 'table' ? [...keepStatements(remote, view), create] : [create];
}

/** The drift of a published name, which is not a relation of dbt's; undefined if there is none. */
export function viewDrift(
  kind: 'table' | 'view' | undefined,
  { isKnown, shown }: { readonly isKnown: boolean; readonly shown: Shown },
): string | undefined {
  if (kind === undefined) return undefined;
  if (kind === 'table') return isKnown ? 'it is a table now' : 'a table exists that was not deployed';
  if (shown !== undefined) return undefined;
  return isKnown ? 'the view has a new definition' : 'a view exists that was not deployed';
}
