import { relative } from 'node:path';
import { execa } from 'execa';
import type { Paths } from '../config/paths.ts';
import type { Deployed } from './ledger.ts';

/**
 * Leaves out commits in which the dbt project is the same as in the deployed one, and relations that only runs of such commits built. Git can
 * tell if it has both commits; otherwise the code counts as different.
 */
export async function withoutSameCode(paths: Paths, deployed: Deployed): Promise<Deployed> {
  const { otherCode = {}, commit, ...rest } = deployed;
  const same = new Set<string | null>();
  for (const other of new Set(Object.values(otherCode).flat())) {
    if (commit && other !== null && (await isSameProject(paths, commit, other))) same.add(other);
  }
  const left = Object.entries(otherCode)
    .map(([relation, others]): [string, (string | null)[]] => [relation, others.filter((other) => !same.has(other))])
    .filter(([, others]) => others.length > 0);
  return {
    ...rest,
    ...(commit === undefined ? {} : { commit }),
    ...(left.length === 0 ? {} : { otherCode: Object.fromEntries(left) }),
  };
}

/** Whether the folder of the dbt project is the same in both commits; false if git doesn't know one of them. */
async function isSameProject({ root, dbtProject }: Paths, one: string, other: string): Promise<boolean> {
  // Runs of other projects in the catalog may be of commits that aren't here.
  if (one === other) return true;
  const isHash = [one, other].every((commit) => /^[0-9a-f]{7,64}$/.test(commit));
  if (!isHash) return false;
  const folder = relative(root, dbtProject) || '.';
  const { exitCode } = await execa('git', ['diff', '--quiet', one, other, '--', folder], { cwd: root, reject: false });
  return exitCode === 0;
}
