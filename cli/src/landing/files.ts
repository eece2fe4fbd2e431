import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../config/paths.ts';
import { sourceFolder } from '../config/paths.ts';
import { landedLimits } from '../config/project/landed-settings.ts';
import type { Contracts } from '../ingest/schemas.ts';
import { landingPlan } from './plan.ts';

/** The folder of the project with the task and its plan, which the bundle uploads. */
export const LANDING_FOLDER = 'landing';
/** The program of the task, as databricks.yml names it. */
export const LANDING_PROGRAM = `${LANDING_FOLDER}/land_files.py`;

const PROGRAM = join(sourceFolder, 'landing', 'python');

/** The files of the task by their paths; none if files land on no target. */
export async function landingFiles(
  { root, settings: { landed } }: Pick<Paths, 'root' | 'settings'>,
  contracts: Contracts,
): Promise<ReadonlyMap<string, string>> {
  if (landed === undefined) return new Map();
  const names = (await readdir(PROGRAM, { recursive: true })).filter((name) => name.endsWith('.py')).sort();
  const programs = names.map(
    async (name) => [join(root, LANDING_FOLDER, name), await readFile(join(PROGRAM, name), 'utf8')] as const,
  );
  const plan = JSON.stringify(landingPlan(contracts, landedLimits(landed)), undefined, 1);
  return new Map([...(await Promise.all(programs)), [join(root, LANDING_FOLDER, 'landing.json'), `${plan}\n`]]);
}
