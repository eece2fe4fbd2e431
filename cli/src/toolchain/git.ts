import { execa } from 'execa';
import { MeetupError } from '../config/errors.ts';

/** A folder's state in git: in a repository, in none, or git is missing or refuses to work there. */
export type GitView =
  | { readonly kind: 'repository' }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

/** Asks git whether it works in a folder, so that a refusal is not mistaken for a missing commit. */
export async function viewGit(folder: string, env?: Readonly<Record<string, string | undefined>>): Promise<GitView> {
  // Fixes git's language, because its message is parsed.
  const asked = await execa('git', ['rev-parse', '--git-dir'], {
    cwd: folder,
    reject: false,
    stdin: 'ignore',
    ...(env === undefined ? { env: { LC_ALL: 'C' } } : { env: { ...env, LC_ALL: 'C' }, extendEnv: false }),
  });
  if (asked.exitCode === 0) return { kind: 'repository' };
  if (asked.exitCode === undefined) return { kind: 'none', reason: "git can't be started" };
  const [first = ''] = asked.stderr.trim().split('\n');
  if (/not a git repository/.test(first)) return { kind: 'none', reason: 'this is not a git repository' };
  const reason = first.replace(/^fatal: /, '');
  const safe = /safe\.directory/.test(asked.stderr)
    ? /git config --global --add safe\.directory .+/.exec(asked.stderr)?.[0].trim()
    : undefined;
  return {
    kind: 'refused',
    reason,
    advice: safe === undefined ? 'fix that' : `run \`${safe}\`, or give the folder to the user who runs meetup`,
  };
}

/** git's refusal as one sentence. */
export const refusalOf = ({ reason, advice }: Extract<GitView, { kind: 'refused' }>): string =>
  `git refuses to work here (${reason}): ${advice}.`;

/** @throws MeetupError with git's own reason if it refuses to work in the folder. */
export async function requireGit(folder: string): Promise<Exclude<GitView, { kind: 'refused' }>> {
  const view = await viewGit(folder);
  if (view.kind === 'refused') throw new MeetupError(refusalOf(view));
  return view;
}
