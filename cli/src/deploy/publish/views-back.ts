import { MeetupError } from '../../config/errors.ts';
import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import type { Deployed } from '../ledger.ts';
import type { Move } from '../put-back.ts';
import { listSchemas, stateOf } from '../relations.ts';
import { dropStatement, type Remote, schemasOf } from '../remote.ts';
import type { Shown } from './publications.ts';
import type { Published, PublishedViews } from './published.ts';
import { alterViewStatement, createSchemaStatement, createViewStatement } from './view-sql.ts';
import { readShown } from './views.ts';

/** A view, and what it is to show of its table. */
interface Showing extends Published {
  readonly view: string;
  readonly shows: 'all' | number;
}

/** How readers' views follow a rollback. */
export interface ViewsBack {
  /** Views that show the earlier versions of their tables before these are restored. */
  readonly first: readonly Showing[];
  /** Views that the earlier deployment did not have. */
  readonly gone: readonly string[];
  /** What views show once their tables are restored. */
  readonly last: readonly Showing[];
  /** What the first ones show now, for tables that can't be restored after all. */
  readonly now: readonly Showing[];
}

type Goal = Pick<Deployed, 'published' | 'relations' | 'unpassed'>;

/**
 * Plans what happens to views in a rollback, and changes nothing.
 * @param moves what happens to the tables
 */
export async function viewsBack(
  remote: Remote,
  { published: current = {} }: Pick<Deployed, 'published'>,
  goal: Goal,
  moves: readonly Move[],
): Promise<ViewsBack> {
  const wanted: PublishedViews = goal.published ?? {};
  const names = Object.keys({ ...current, ...wanted });
  if (names.length === 0) return { first: [], gone: [], last: [], now: [] };
  const tables = Object.values(wanted).map(({ of }) => of);
  const present = await listSchemas(remote, schemasOf([...names, ...tables]));
  const shown = await readShown(remote, wanted, present);
  const moving = new Map(moves.map((move) => [move.relation, move]));
  const isMoved = (of: string): boolean => (moving.get(of)?.statements.length ?? 0) > 0;
  const views = Object.entries(wanted).flatMap(([view, published]) => showingIn(goal, view, published));
  const first = views.flatMap((showing): Showing[] => {
    const { view, of, shows } = showing;
    const state = stateOf(goal.relations, of);
    // A table that is away, or has lost the version, can't be shown before it is restored.
    const isThere = present.get(of) === 'table' && moving.get(of)?.lost === undefined;
    if (state.kind !== 'table' || !isThere || !isMoved(of) || present.get(view) !== 'view') return [];
    return [shows === 'all' ? { ...showing, shows: state.version } : showing];
  });
  return {
    first,
    // In the place of some views, the goal has a table, whose move drops the view.
    gone: Object.keys(current).filter(
      (view) => !(view in wanted) && !(view in goal.relations) && present.get(view) === 'view',
    ),
    last: views.filter(({ view, of, shows }) => isMoved(of) || shown.get(view) !== shows),
    now: first.flatMap((showing) => withShown(showing, shown.get(showing.view))),
  };
}

/** A view shows all of its table unless a run of dbt wrote it last without passing: then it shows the version before that run, if there was one. */
function showingIn({ unpassed = {} }: Goal, view: string, published: Published): Showing[] {
  const version = unpassed[published.of];
  return version === null ? [] : [{ view, ...published, shows: version ?? 'all' }];
}

const withShown = (showing: Showing, shows: Shown): Showing[] => (shows === undefined ? [] : [{ ...showing, shows }]);

/** Shows readers the earlier versions, before anything is restored. */
export async function showEarlier(remote: Remote, { first, gone }: ViewsBack): Promise<void> {
  await mapConcurrently(first, async (showing) => {
    try {
      await remote.connection.run(statementOf(remote, showing, true));
    } catch (error) {
      // A version that can't be shown any more can't be restored either, which is reported for its table.
      if (!(error instanceof MeetupError)) throw error;
    }
  });
  await mapConcurrently(gone, (view) => remote.connection.run(dropStatement(remote, view, 'view')));
}

/** Shows readers the restored tables, and of those that could not be restored what they saw before. */
export async function showRestored(
  remote: Remote,
  { last, now }: ViewsBack,
  failed: ReadonlySet<string>,
): Promise<void> {
  const views = [...last.filter(({ of }) => !failed.has(of)), ...now.filter(({ of }) => failed.has(of))];
  if (views.length === 0) return;
  const present = await listSchemas(remote, schemasOf(views.flatMap(({ view, of }) => [view, of])));
  const missing = views.filter(({ view }) => !present.has(view));
  for (const schema of new Set(missing.map(({ view }) => createSchemaStatement(remote, view)))) {
    await remote.connection.run(schema);
  }
  await mapConcurrently(views, async (showing) => {
    if (!present.has(showing.of)) return;
    await remote.connection.run(statementOf(remote, showing, present.get(showing.view) === 'view'));
  });
}

function statementOf(remote: Remote, { view, of, comment, shows }: Showing, isThere: boolean): string {
  const version = shows === 'all' ? undefined : shows;
  return isThere
    ? alterViewStatement(remote, view, of, version)
    : createViewStatement(remote, view, { of, comment }, version);
}
