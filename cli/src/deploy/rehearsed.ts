import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

/** How many rehearsed commits are kept. */
const KEPT = 200;
const rehearsedSchema = z.object({ commits: z.array(z.string()) });

const fileOf = (paths: Paths): string => join(paths.state, 'deploy', 'rehearsed.json');

/** The commits that were deployed to the rehearsal successfully, newest first. */
export async function rehearsedCommits(paths: Paths): Promise<readonly string[]> {
  try {
    const parsed = rehearsedSchema.safeParse(JSON.parse(await readFile(fileOf(paths), 'utf8')));
    return parsed.success ? parsed.data.commits : [];
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Records that a clean commit was rehearsed. */
export async function rememberRehearsed(paths: Paths, commit: string): Promise<void> {
  const known = await rehearsedCommits(paths);
  const commits = [commit, ...known.filter((other) => other !== commit)].slice(0, KEPT);
  await mkdir(dirname(fileOf(paths)), { recursive: true });
  await writeAtomically(fileOf(paths), JSON.stringify({ commits }));
}
