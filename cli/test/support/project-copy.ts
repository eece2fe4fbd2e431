import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';

/** Copies this repository's dbt project, fixtures, profiles and schemas, but no data, into a folder. */
export async function copyProject(project: string): Promise<void> {
  for (const part of ['dbt', 'profiles', 'fixtures', 'data/schemas', 'queries', 'meetup.yml']) {
    await cp(join(projectRoot, part), join(project, part), {
      recursive: true,
      filter: (path) => !/\/(target|logs)$/.test(path),
    });
  }
}
