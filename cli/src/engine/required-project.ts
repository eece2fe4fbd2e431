import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

/**
 * dbt would only say that a folder does not exist.
 * @throws MeetupError if there is no dbt project, or no profiles.
 */
export function requireProject({ root, dbtProject, profiles }: Paths): void {
  const file = join(dbtProject, 'dbt_project.yml');
  if (!existsSync(file)) {
    throw new MeetupError(
      `There is no dbt_project.yml in ${dbtProject}: run this in the folder of a dbt project, or let \`./meetup init\` make one in ${root}.`,
    );
  }
  if (existsSync(join(profiles, 'profiles.yml'))) return;
  const at = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => /^profile\s*:/.test(line));
  throw new MeetupError(
    `${file}${at === -1 ? '' : `:${at + 1}`}: there is no profiles.yml for this project in ${profiles}: let \`./meetup init\` write one with a DuckDB target, or say in meetup.yml where it is (dbt.profiles).`,
  );
}
