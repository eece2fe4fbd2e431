import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import type { Deployed } from '../ledger.ts';
import type { Move } from '../put-back.ts';
import { listSchemas, stateOf } from '../relations.ts';
import { dropStatement, type Remote } from '../remote.ts';
import { schemasOfViews } from './publications.ts';
import type { Published, PublishedViews } from './published.ts';
import { alterViewStatement, createSchemaStatement, createViewStatement } from './view-sql.ts';
import { readShown } from './views.ts';

/** How readers' views follow a rollback. */
export interface ViewsBack {
  /** Statements that show the earlier versions, before tables are restored. */
  readonly first: readonly string[];
  /** Views that show their tables as they are, once these are restored. */
  readonly last: PublishedViews;
}

/**
 * Plans what happens to views in a rollback, and changes nothing.
 * @param moves what happens to the tables
 */
export async function viewsBack(
  remote: Remote,
  { published: now = {} }: Pick<Deployed, 'published'>,
  goal: Pick<Deployed, 'published' | 'relations'>,
  moves: readonly Move[],
): Promise<ViewsBack> {
  const wanted: PublishedViews = goal.published ?? {};
  const names = Object.keys({ ...now, ...wanted });
  if (names.length === 0) return { first: [], last: {} };
  const tables = Object.values(wanted).map(({ of }) => of);
  const present = await listSchemas(remote, schemasOfViews([...names, ...tables]));
  const shown = await readShown(remote, wanted, present);
  const moving = new Map(moves.map((move) => [move.relation, move]));
  const isMoved = ({ of }: Published): boolean => (moving.get(of)?.statements.length ?? 0) > 0;
  const first = Object.entries(wanted).flatMap(([view, published]): string[] => {
    const { of } = published;
    const state = stateOf(goal.relations, of);
    const kind = present.get(view);
    // A table that is away, or has lost the version, can't be shown before it is restored.
    if (state.kind !== 'table' || present.get(of) !== 'table' || moving.get(of)?.lost !== undefined) return [];
    if (kind === 'view') return isMoved(published) ? [alterViewStatement(remote, view, of, state.version)] : [];
    return kind === undefined ? [createViewStatement(remote, view, published, state.version)] : [];
  });
  // In the place of some views, the goal has a table, whose move drops the view.
  const gone = Object.keys(now).filter(
    (view) => !(view in wanted) && !(view in goal.relations) && present.get(view) === 'view',
  );
  const last = Object.entries(wanted).filter(
    ([view, published]) => isMoved(published) || present.get(view) !== 'view' || shown.get(view) !== 'all',
  );
  return {
    first: [...first, ...gone.map((view) => dropStatement(remote, view, 'view'))],
    last: Object.fromEntries(last),
  };
}

/** Shows readers the earlier versions, before anything is restored. */
export async function showEarlier(remote: Remote, { first }: ViewsBack): Promise<void> {
  await mapConcurrently(first, (statement) => remote.connection.run(statement));
}

/** Shows readers the restored tables; those of tables that could not be restored stay as they are. */
export async function showRestored(remote: Remote, { last }: ViewsBack, failed: ReadonlySet<string>): Promise<void> {
  const views = Object.entries(last).filter(([, { of }]) => !failed.has(of));
  if (views.length === 0) return;
  const present = await listSchemas(remote, schemasOfViews([...Object.keys(last), ...views.map(([, { of }]) => of)]));
  const missing = views.filter(([view]) => !present.has(view)).map(([view]) => view);
  for (const schema of new Set(missing.map((view) => createSchemaStatement(remote, view)))) {
    await remote.connection.run(schema);
  }
  await mapConcurrently(views, async ([view, published]) => {
    if (!present.has(published.of)) return;
    const isView = present.get(view) === 'view';
    await remote.connection.run(
      isView ? alterViewStatement(remote, view, published.of) : createViewStatement(remote, view, published),
    );
  });
}
