import { execa } from 'execa';
import { MeetupError } from '../config/errors.ts';
import { requireGit } from '../toolchain/git.ts';

/** What the project is compared with: a commit, or nothing, in which case everything counts as changed. */
export type Base =
  | { readonly kind: 'commit'; readonly ref: string; readonly commit: string }
  | { readonly kind: 'none'; readonly reason: string };

/** The branches that a change is expected to be merged into; the first that exists is used. */
const USUAL_BASES = ['origin/main', 'main'];

/**
 * The merge base of `ref` and HEAD, so that later commits on `ref` don't count as changes of this branch. Without a `ref`:
 * origin/main or main; if there is neither, or no git, there is no base.
 * @throws MeetupError if git refuses to work here, or doesn't know the requested `ref`.
 */
export async function resolveBase(root: string, ref: string | undefined): Promise<Base> {
  if (ref === 'none') return { kind: 'none', reason: 'requested with --base none' };
  const view = await requireGit(root);
  if (view.kind === 'none') {
    if (ref === undefined) return { kind: 'none', reason: view.reason };
    throw new MeetupError(`--base '${ref}' can't be read because ${view.reason}: use --base none to build everything.`);
  }
  for (const candidate of ref === undefined ? USUAL_BASES : [ref]) {
    const commit = await commitOf(root, candidate);
    if (commit !== undefined) return { kind: 'commit', ref: candidate, commit: await forkPoint(root, commit) };
  }
  if (ref === undefined) return { kind: 'none', reason: `there is no ${USUAL_BASES.join(' or ')} in this repository` };
  throw new MeetupError(
    `There is no commit '${ref}' in this repository: fetch it first, or use --base none to build everything.`,
  );
}

async function commitOf(root: string, ref: string): Promise<string | undefined> {
  const found = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);
  return found.exitCode === 0 ? found.stdout.trim() : undefined;
}

/** A shallow clone may not know the merge base; then the commit of `ref` itself is used. */
async function forkPoint(root: string, commit: string): Promise<string> {
  const found = await git(root, ['merge-base', 'HEAD', commit]);
  return found.exitCode === 0 ? found.stdout.trim() : commit;
}

/** Whether these paths differ from a commit: saved, staged or untracked. */
export async function differsFrom(root: string, commit: string, pathspecs: readonly string[]): Promise<boolean> {
  const known = await git(root, ['diff', '--quiet', commit, '--', ...pathspecs]);
  const untracked = await git(root, ['ls-files', '--others', '--exclude-standard', '--', ...pathspecs]);
  return known.exitCode !== 0 || untracked.stdout.trim() !== '';
}

const git = (cwd: string, args: readonly string[]) => execa('git', args, { cwd, reject: false });
