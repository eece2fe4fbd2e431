import { relative } from 'node:path';
import { execa } from 'execa';
import type { Paths } from '../config/paths.ts';
import type { Deployed } from './ledger.ts';

/**
 * Leaves out what runs built from another commit in which the dbt project is the same. Git can tell if it has both commits; otherwise the code
 * counts as different.
 */
export async function withoutSameCode(paths: Paths, deployed: Deployed): Promise<Deployed> {
  const { otherCode = {}, commit, ...rest } = deployed;
  if (Object.keys(otherCode).length === 0) return deployed;
  const different = new Set<string | null>();
  for (const other of new Set(Object.values(otherCode))) {
    if (!commit || other === null || !(await isSameProject(paths, commit, other))) different.add(other);
  }
  const left = Object.entries(otherCode).filter(([, other]) => different.has(other));
  return {
    ...rest,
    ...(commit === undefined ? {} : { commit }),
    ...(left.length === 0 ? {} : { otherCode: Object.fromEntries(left) }),
  };
}

/** Whether the folder of the dbt project is the same in both commits; false if git knows one of them not. */
async function isSameProject({ root, dbtProject }: Paths, one: string, other: string): Promise<boolean> {
  const isHash = [one, other].every((commit) => /^[0-9a-f]{7,64}$/.test(commit));
  if (!isHash) return false;
  const folder = relative(root, dbtProject) || '.';
  const { exitCode } = await execa('git', ['diff', '--quiet', one, other, '--', folder], { cwd: root, reject: false });
  return exitCode === 0;
}
