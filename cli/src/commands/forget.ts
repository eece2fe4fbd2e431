import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { COMMAND, type Paths } from '../config/paths.ts';
import { requireLoaded } from '../config/pulled.ts';
import type { CommandResult } from '../config/result.ts';
import { packageVersion } from '../config/version.ts';
import { findInFixtures, rewriteFixtures } from '../forget/fixtures.ts';
import { clearState, type Places, removeLocal, searchLocal } from '../forget/local.ts';
import { receiptText } from '../forget/receipt-text.ts';
import { dropReplaced, pendingReceipts, type Receipt, writePending, writeReceipt } from '../forget/receipts.ts';
import { findSubject, type Given, type Subject } from '../forget/subject.ts';
import { readTombstones, type Tombstones } from '../ingest/forgotten/tombstones.ts';
import { readContracts } from '../ingest/schemas.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { run as build } from './build.ts';

export interface ForgetOptions {
  readonly paths: Paths;
  /** The key of the record; none to finish what was interrupted. */
  readonly given: readonly Given[];
  /** Which entity's key it is, if several have one with these names. */
  readonly entity?: string | undefined;
  /** Only counts what would be removed. */
  readonly dryRun?: boolean | undefined;
  /** Whether the value is replaced in fixtures and scenarios too (the default). */
  readonly fixtures?: boolean | undefined;
  readonly yes?: boolean | undefined;
  /** Asks for confirmation; undefined if there is no terminal. */
  readonly confirm?: (plan: Receipt) => Promise<boolean>;
}

export interface ForgetReport {
  /** `unfinished`: the marts could not be built from what is left, so that readers still see the earlier ones. */
  readonly status: 'planned' | 'declined' | 'forgotten' | 'unfinished';
  /** One for each record that was forgotten: more than one if others had been interrupted. */
  readonly receipts: readonly Receipt[];
  /** Whether all models and tests passed in the build of what is left; omitted if there was nothing to build. */
  readonly build?: 'pass' | 'fail';
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Removes a record and what refers to it from the data files, the raw tables, the marts and meetup's own files, and makes sure that no
 * later drop brings it back. Targets follow with their next deployment.
 * @throws MeetupError if no schema has this key, a file can't be searched, or nobody confirms; nothing was changed then.
 */
export async function run(options: ForgetOptions, effects: Effects): Promise<CommandResult<ForgetReport>> {
  const started = effects.clock.elapsed();
  const { paths, given, dryRun = false, yes = false, confirm } = options;
  requireLoaded(paths, '`forget`');
  if (given.length > 0 && !dryRun && !yes && confirm === undefined) throw nobodyConfirms();
  const contracts = await readContracts(paths.schemas);
  const subject = given.length === 0 ? undefined : findSubject(given, contracts, options.entity);
  await requireLocalProfile(paths, effects.env);
  const places: Places = { paths, contracts, effects };
  const ended = (
    status: ForgetReport['status'],
    receipts: readonly Receipt[],
    rest: Pick<ForgetReport, 'build'> = {},
  ) =>
    ({
      exitCode: status === 'forgotten' || status === 'planned' ? 0 : 1,
      report: { status, receipts, ...rest, ms: effects.clock.elapsed() - started },
    }) satisfies CommandResult<ForgetReport>;

  const planned = await withWriteLock(paths, effects, () => plan(places, subject, options.fixtures ?? true));
  if (dryRun) return ended('planned', planned.receipts);
  if (planned.added !== undefined && !yes && !(await confirm?.(planned.added)))
    return ended('declined', planned.receipts);
  if (effects.signal.aborted) throw new InterruptedError();

  const cleared = await withWriteLock(paths, effects, () => carryOut(places, planned));
  const built = existsSync(paths.workDatabase) ? await rebuild(paths, effects) : undefined;
  const rest = built === undefined ? {} : { build: built.status };
  if (built?.published === false) return ended('unfinished', cleared, rest);
  await withWriteLock(paths, effects, () => requireGone(places, planned.tombstones));
  const finishedAt = new Date(effects.clock.now()).toISOString();
  const receipts = cleared.map((receipt) => ({ ...receipt, finishedAt }));
  for (const receipt of receipts) await writeReceipt(paths, receipt, receiptText(receipt));
  return ended('forgotten', receipts, rest);
}

interface Plan {
  /** The tombstones before. */
  readonly before: Tombstones;
  /** Those of everything that is forgotten, with the new one and those that were interrupted. */
  readonly tombstones: Tombstones;
  /** What is to be forgotten now; undefined if only earlier ones are finished. */
  readonly added: Receipt | undefined;
  readonly receipts: readonly Receipt[];
}

/** Counts what would be removed. Changes nothing. */
async function plan(places: Places, subject: Subject | undefined, fixtures: boolean): Promise<Plan> {
  const { paths, contracts, effects } = places;
  const before = await readTombstones(paths.data);
  const pending = await pendingReceipts(paths);
  const known = before.and(pending.map(({ tombstone }) => tombstone));
  if (subject === undefined) {
    if (pending.length === 0) throw nothingToFinish();
    return { before, tombstones: known, added: undefined, receipts: pending };
  }
  const { all, added } = known.with(subject.entity, subject.key, subject.values, effects.clock.now());
  const only = all.only(new Set([added.id]));
  const found = await findInFixtures(paths, contracts, only);
  const receipt: Receipt = {
    tombstone: added,
    version: packageVersion(),
    finishedAt: null,
    ...(await searchLocal(places, only)),
    fixtures: found.map(({ file, lines }) => ({ file, lines: [...lines], rewritten: fixtures })),
    landedOn: [...(paths.settings.landed?.targets ?? [])],
    cleared: [],
  };
  // An interrupted one of the same record is replaced.
  const others = pending.filter(({ tombstone }) => tombstone.hash !== added.hash);
  return { before, tombstones: all, added: receipt, receipts: [receipt, ...others] };
}

/**
 * Removes everything from this machine's data and databases. What is pending is recorded before the tombstone, and the salt of the
 * hashes before both, so that a killed process can be finished without the value.
 */
async function carryOut(
  { paths, contracts, effects }: Places,
  { before, tombstones, receipts }: Plan,
): Promise<readonly Receipt[]> {
  await before.write(paths.data);
  for (const receipt of receipts) await writePending(paths, receipt);
  await dropReplaced(paths, receipts);
  await tombstones.write(paths.data);
  const rewritten = receipts.filter(({ fixtures }) => fixtures.some((fixture) => fixture.rewritten));
  await rewriteFixtures(paths, contracts, tombstones.only(new Set(rewritten.map(({ tombstone }) => tombstone.id))));
  await removeLocal({ paths, contracts, effects }, tombstones);
  const cleared = await clearState(paths);
  return receipts.map((receipt) => ({ ...receipt, cleared }));
}

/** Builds and publishes everything from what is left. */
async function rebuild(paths: Paths, effects: Effects): Promise<{ status: 'pass' | 'fail'; published: boolean }> {
  const { report } = await build({ paths, target: 'dev', affected: true, why: 'something was forgotten' }, effects);
  return { status: report.status, published: report.published };
}

/** @throws MeetupError if anything is left in the data files or in what readers see, because it was changed meanwhile. */
async function requireGone(places: Places, tombstones: Tombstones): Promise<void> {
  const { files, tables } = await searchLocal(places, tombstones, openPublished);
  const left = [...files.map(({ file }) => file), ...tables.map(({ table }) => table)];
  if (left.length === 0) return;
  throw new MeetupError(
    `${left.join(', ')} came back with something forgotten in the meantime: run \`${COMMAND} forget\` again to finish.`,
  );
}

const nobodyConfirms = (): MeetupError =>
  new MeetupError(
    `There is no terminal to confirm: look at what would be removed with --dry-run, then remove it with --yes.`,
  );

const nothingToFinish = (): MeetupError =>
  new MeetupError(
    'forget takes the key of a record, such as user_id=123: nothing was interrupted that it could finish.',
  );
