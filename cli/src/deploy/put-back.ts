import { MeetupError } from '../config/errors.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { asideOf, keepStatements, takeBackStatement } from './kept-tables.ts';
import {
  historySince,
  isUpkeep,
  listSchemas,
  type RelationState,
  type RelationStates,
  readView,
  stateOf,
} from './relations.ts';
import { dropStatement, type Remote, relationOn, schemasOf } from './remote.ts';

type Listing = ReadonlyMap<string, 'table' | 'view'>;

/** The outcome of putting relations back. */
export interface PutBack {
  readonly restored: readonly string[];
  /** Relations that could not be put back, with the reason. */
  readonly failed: readonly { readonly relation: string; readonly reason: string }[];
}

/** How to put one relation back: statements, in order. */
export interface Move {
  readonly relation: string;
  readonly statements: readonly string[];
  /** Whether the statements change what a reader sees. */
  readonly restores: boolean;
  /** Views come after tables, because they select from them. */
  readonly makesView: boolean;
  /** Why it can't be put back; there are no statements then. */
  readonly lost?: string;
}

export interface HowToPutBack {
  /**
   * Commits to every table, even if it is unchanged, so that a statement that a dead process left running can no longer
   * commit (Delta refuses a transaction if the table's metadata changed meanwhile).
   */
  readonly fence?: boolean;
  /** Renames tables that should not exist instead of dropping them, so that the rollback can itself be reverted. */
  readonly keep?: boolean;
  /** Skips relations that were just put back, unless they have changed since. */
  readonly again?: boolean;
}

/** Finds the statements that put relations back. Changes nothing. */
export async function movesTo(remote: Remote, wanted: RelationStates, how: HowToPutBack = {}): Promise<Move[]> {
  const relations = Object.keys(wanted);
  const listing = await listSchemas(remote, schemasOf(relations));
  const moves = await mapConcurrently(relations, (relation) =>
    moveOf(remote, relation, listing, stateOf(wanted, relation), how),
  );
  const leftovers = leftoversOf(relations, listing).map(([relation, kind]) =>
    move(relation, [dropStatement(remote, relation, kind)], { restores: false }),
  );
  return [...moves, ...leftovers];
}

/** Tables first, so that views find the tables they select from. */
export async function carryOut(remote: Remote, moves: readonly Move[]): Promise<PutBack> {
  const restored: string[] = [];
  const failed: { relation: string; reason: string }[] = [];
  const carry = async ({ relation, statements, restores, lost }: Move): Promise<void> => {
    if (lost !== undefined) {
      failed.push({ relation, reason: lost });
      return;
    }
    try {
      for (const statement of statements) await remote.connection.run(statement);
      if (restores) restored.push(relation);
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      failed.push({ relation, reason: error.message.split('\n')[0] ?? '' });
    }
  };
  await mapConcurrently(
    moves.filter(({ makesView }) => !makesView),
    carry,
  );
  // Views may select from views, so this takes a few rounds. A view that fails in the last round has failed.
  for (let pending = moves.filter(({ makesView }) => makesView); pending.length > 0; ) {
    const before = failed.length;
    await mapConcurrently(pending, carry);
    const again = failed.splice(before);
    if (again.length === 0 || again.length === pending.length) {
      failed.push(...again);
      break;
    }
    pending = pending.filter(({ relation }) => again.some((failure) => failure.relation === relation));
  }
  return { restored: restored.sort(), failed };
}

/** The temporary relations that dbt names after the one it builds, and leaves behind when it is killed. */
const LEFTOVER = /__dbt_(tmp|stg|backup)\w*$/;

const leftoversOf = (relations: readonly string[], listing: Listing): [string, 'table' | 'view'][] =>
  [...listing].filter(([name]) => LEFTOVER.test(name) && relations.includes(name.replace(LEFTOVER, '')));

const move = (
  relation: string,
  statements: readonly string[],
  { restores = statements.length > 0, makesView = false }: Partial<Pick<Move, 'restores' | 'makesView'>> = {},
): Move => ({ relation, statements, restores, makesView });

async function moveOf(
  remote: Remote,
  relation: string,
  listing: Listing,
  wanted: RelationState,
  how: HowToPutBack,
): Promise<Move> {
  const kind = listing.get(relation);
  if (wanted.kind === 'table') return tableMove(remote, relation, listing, wanted, how);
  const away = kind === undefined || kind === wanted.kind ? [] : awayStatements(remote, relation, kind, how);
  if (wanted.kind === 'absent') return move(relation, away);
  if (kind === 'view' && (await isDefinedAs(remote, relation, wanted.definition))) return move(relation, []);
  return move(relation, [...away, wanted.definition], { makesView: true });
}

const awayStatements = (
  remote: Remote,
  relation: string,
  kind: 'table' | 'view',
  { keep = false }: HowToPutBack,
): string[] => (keep && kind === 'table' ? keepStatements(remote, relation) : [dropStatement(remote, relation, kind)]);

async function isDefinedAs(remote: Remote, relation: string, definition: string): Promise<boolean> {
  try {
    const now = await readView(remote, relation);
    return now.kind === 'view' && now.definition === definition;
  } catch (error) {
    // A view whose definition can't be read is created again.
    if (error instanceof MeetupError) return false;
    throw error;
  }
}

async function tableMove(
  remote: Remote,
  relation: string,
  listing: Listing,
  wanted: RelationState & { kind: 'table' },
  { fence = false, again = false }: HowToPutBack,
): Promise<Move> {
  const kind = listing.get(relation);
  const isAway = kind !== 'table';
  const place = isAway ? asideOf(relation) : relation;
  const lost = (how: string): Move => ({ ...move(relation, []), lost: `${relation} was dropped${how}` });
  if (!listing.has(place)) return lost(', and with it the version to go back to.');
  const recent = await historySince(remote, place, wanted.version);
  const now = recent[0]?.version ?? -1;
  const base = recent.find(({ version }) => version === wanted.version);
  if (now < wanted.version || (base !== undefined && base.timestamp !== wanted.committedAt)) {
    return lost(` and recreated, so version ${wanted.version} is gone.`);
  }
  const name = relationOn(remote, relation);
  const isDifferent = again
    ? changedSince(recent, wanted.version)
    : recent.some(({ version, operation }) => version > wanted.version && !isUpkeep(operation));
  return move(
    relation,
    [
      ...(kind === 'view' ? [dropStatement(remote, relation, kind)] : []),
      ...(isAway ? [takeBackStatement(remote, relation)] : []),
      ...(isDifferent ? [`restore table ${name} to version as of ${wanted.version}`] : []),
      ...(fence ? [`alter table ${name} set tblproperties ('meetup.fence' = '${now}')`] : []),
    ],
    { restores: isAway || isDifferent },
  );
}

/** Whether rows changed since the table was last put back or, if it never was, since that version. */
function changedSince(recent: readonly { version: number; operation: string }[], version: number): boolean {
  const since = recent.filter((commit) => commit.version > version);
  const restored = since.findIndex(({ operation }) => /^RESTORE/i.test(operation));
  return since.slice(0, restored < 0 ? since.length : restored).some(({ operation }) => !isUpkeep(operation));
}
