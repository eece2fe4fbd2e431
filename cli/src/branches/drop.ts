import type { Effects } from '../config/effects.ts';
import { reasonOf } from '../config/explain.ts';
import type { Remote } from '../deploy/remote.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { suffixOf } from './names.ts';
import { type BranchRecord, isExpired, readBranches, writeBranchEntry } from './records.ts';

/**
 * Drops the schemas that were recorded for a branch, and nothing else. If it is interrupted, the branch stays recorded, so that dropping
 * it again does the rest.
 */
export async function dropBranch(remote: Remote, { name, schemas }: BranchRecord): Promise<void> {
  for (const schema of ownSchemas(name, schemas)) {
    await remote.connection.run(`drop schema if exists ${quoteNames(remote.catalog, schema)} cascade`);
  }
  await writeBranchEntry(remote, name, 'dropped', {});
}

/** Recorded schemas that really are a branch's: a record that somebody edited must not lead to another schema. */
const ownSchemas = (name: string, schemas: readonly string[]): string[] =>
  schemas.filter((schema) => schema.endsWith(suffixOf(name)));

/**
 * Drops the project's branches that have outlived their lifetime, or all of its branches.
 * @returns their names. What can't be dropped is reported, and stops neither the others nor the command.
 */
export async function dropBranches(
  remote: Remote,
  project: string | undefined,
  { reporter, clock }: Pick<Effects, 'reporter' | 'clock'>,
  which: 'expired' | 'all' = 'expired',
): Promise<string[]> {
  const failed = (what: string, error: unknown): void =>
    reporter.warn(`${what} could not be dropped (${reasonOf(error)}): the next command tries again.`);
  const branches = await readBranches(remote).catch((error: unknown) => {
    failed('Branches', error);
    return [];
  });
  const dropped: string[] = [];
  for (const branch of branches.filter((one) => one.project === project)) {
    const isOver = isExpired(branch, clock.now());
    if (which === 'expired' && !isOver) continue;
    try {
      // If it can't be dropped now, the next command still knows that it must be.
      if (!isOver) {
        const expiresAt = new Date(clock.now()).toISOString();
        await writeBranchEntry(remote, branch.name, 'expired', { expiresAt });
      }
      await dropBranch(remote, branch);
      dropped.push(branch.name);
    } catch (error) {
      failed(`The branch ${branch.name}`, error);
    }
  }
  return dropped;
}
