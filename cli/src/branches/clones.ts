import { MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import type { DeployContext } from '../deploy/context.ts';
import { dropStatement, relationOn } from '../deploy/remote.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import type { BranchNode, Pin } from './plan.ts';
import { writeBranchEntry } from './records.ts';

type Running = Pick<DeployContext, 'remote' | 'effects'>;
type Listing = ReadonlyMap<string, 'table' | 'view'>;

/** A statement of the branch's own; Ctrl-C cancels it. */
export const run = ({ remote, effects }: Running, sql: string): Promise<void> =>
  remote.connection.run(sql, { signal: effects.signal });

/**
 * A shallow clone copies no rows: it refers to the files of the table. Open-source Delta refuses to clone into a table with rows, so what is
 * left of an earlier run is dropped.
 */
export async function clone(
  running: Running,
  { relation, place, version }: Pick<BranchNode, 'relation' | 'place' | 'version'>,
  inBranch: Listing,
): Promise<void> {
  const { remote } = running;
  const there = inBranch.get(place);
  if (there !== undefined) await run(running, dropStatement(remote, place, there));
  const at = version === undefined ? '' : ` version as of ${version}`;
  await run(running, `create table ${relationOn(remote, place)} shallow clone ${relationOn(remote, relation)}${at}`);
}

/**
 * Clones the tables that are read as of the last deployment, and records them.
 * @throws MeetupError if one can't be cloned, because the branch would show other differences than those of the code.
 */
export async function clonePins(
  running: Running,
  branch: string,
  pins: readonly Pin[],
  inBranch: Listing,
): Promise<void> {
  if (pins.length === 0) return;
  // Two sources may name the same table.
  const tables = [...new Map(pins.map((pin) => [pin.place, pin])).values()];
  await mapConcurrently(tables, async (pin) => {
    try {
      await clone(running, pin, inBranch);
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      const why = reasonOf(error);
      throw new MeetupError(
        `${pin.relation} has changed since the last deployment (${pin.newer}), and its version ${pin.version} can't be cloned (${why}), so what the code changes can't be told from what new rows change: if that version is gone, deploy first.`,
        { cause: error },
      );
    }
  });
  const keys = Object.fromEntries(pins.map(({ uniqueId, key }) => [uniqueId, key]));
  await writeBranchEntry(running.remote, branch, 'built', { keys });
}
