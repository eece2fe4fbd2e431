import { execa } from 'execa';
import { MeetupError } from '../config/errors.ts';
import { refusalOf, viewGit } from '../toolchain/git.ts';

/** The state of the working tree that is deployed. */
export interface GitState {
  /** Full hash of HEAD; null outside a repository, or before its first commit. */
  readonly commit: string | null;
  /** Whether there are uncommitted changes. */
  readonly dirty: boolean;
  /** If git refuses to work here: why, and what to do. */
  readonly refusal?: string;
}

/** Asks git. Without git, without a repository or if git refuses, nothing is known to be committed. */
export async function readGit(folder: string): Promise<GitState> {
  const git = (...args: string[]) => execa('git', args, { cwd: folder, reject: false });
  const head = await git('rev-parse', '--verify', 'HEAD');
  if (head.exitCode !== 0) {
    const view = await viewGit(folder);
    return { commit: null, dirty: true, ...(view.kind === 'refused' ? { refusal: refusalOf(view) } : {}) };
  }
  const status = await git('status', '--porcelain', '--untracked-files=normal');
  return { commit: head.stdout.trim(), dirty: status.exitCode !== 0 || status.stdout.trim() !== '' };
}

/**
 * A deployment to prod must be reproducible: it needs a commit that was rehearsed.
 * @throws MeetupError otherwise, with what to do.
 */
export function requireReviewable(git: GitState, rehearsed: readonly string[]): void {
  if (git.refusal !== undefined) throw new MeetupError(git.refusal);
  if (git.commit === null) {
    throw new MeetupError('There is no commit to deploy: commit the project first, or use --force.');
  }
  if (git.dirty) {
    throw new MeetupError('The git tree has uncommitted changes: commit them, or deploy them anyway with --force.');
  }
  if (!rehearsed.includes(git.commit)) {
    throw new MeetupError(
      `Commit ${git.commit.slice(0, 10)} was not rehearsed: run \`./meetup deploy --target rehearsal\` first, or use --force.`,
    );
  }
}
