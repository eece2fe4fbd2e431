import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { MeetupError, messageOf } from '../config/errors.ts';
import { findDbtProject, layoutOf } from '../config/project/layout.ts';
import { readSettings } from '../config/project/read-settings.ts';
import { SETTINGS_FILE } from '../config/project/settings.ts';
import { ignoring, newFile, profilesYml, WORKFLOW, WORKFLOW_PATH } from './common.ts';
import { firstPage } from './first-page.ts';
import type { InitPlan } from './planned-file.ts';

const projectSchema = z.looseObject({ name: z.string(), profile: z.string().optional() });
const profileSchema = z.looseObject({
  outputs: z.record(z.string(), z.looseObject({ type: z.string(), schema: z.string().optional() })),
});

/** Whether there is a dbt project in a folder, or in a folder of it. */
export const hasDbtProject = (root: string): boolean => existsSync(join(findDbtProject(root), 'dbt_project.yml'));

/**
 * What a dbt project needs to be built with meetup. None of its files is changed but .gitignore.
 * @param data the folder of JSON files within the project, if there is one.
 * @throws MeetupError if dbt_project.yml or meetup.yml can't be read.
 */
export function planForDbtProject(
  root: string,
  data: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): InitPlan {
  const layout = layoutOf(root, readSettings(root), env);
  const project = readProject(join(layout.dbtProject, 'dbt_project.yml'));
  const profile = project.profile ?? project.name;
  const known = outputsOf(layout.profiles, profile);
  const isLocal = known?.dev?.type === 'duckdb';
  const schema = Object.values(known ?? {})
    .map((output) => output.schema ?? '')
    .find((name) => /^[a-z_][a-z0-9_]*$/.test(name));
  const folder = existsSync(join(root, 'profiles', 'profiles.yml')) ? 'meetup-profiles' : 'profiles';
  const profiles = isLocal ? relative(root, layout.profiles) || '.' : folder;
  // Profiles elsewhere, such as in the home folder, are found without being named.
  const named = profiles.startsWith('..') ? undefined : profiles;
  return {
    kind: 'dbt',
    found: [
      `The dbt project ${project.name} is in ${relative(root, layout.dbtProject) || '.'}; its profile is ${profile}.`,
      ...packagesOf(layout.dbtProject),
      isLocal
        ? `${join(layout.profiles, 'profiles.yml')} has a DuckDB target 'dev' already.`
        : `It has no DuckDB target 'dev' yet: meetup gets profiles of its own, and the others stay as they are.`,
    ],
    files: [
      ...(isLocal ? [] : newFile(root, `${folder}/profiles.yml`, profilesYml(profile, schema ?? 'main'))),
      ...newFile(root, SETTINGS_FILE, settingsYml(relative(root, layout.dbtProject) || '.', named, data)),
      ...ignoring(root, ['.meetup/']),
      ...firstPage(root),
      ...newFile(root, WORKFLOW_PATH, WORKFLOW),
    ],
  };
}

const settingsYml = (
  project: string,
  profiles: string | undefined,
  data: string | undefined,
): string => `# Settings of meetup: node_modules/meetup/docs/meetup-yml.md lists all.
dbt:
  project: ${project}
${profiles === undefined ? '' : `  profiles: ${profiles}\n`}${data === undefined ? '' : `data: ${data}\n`}
# The schemas that dashboards and people rely on, such as:
# public: [marts]

# SQL files whose results \`meetup dev\` shows at the end:
# dev: {show: [queries/totals.sql]}
`;

function readProject(file: string): z.infer<typeof projectSchema> {
  try {
    const parsed = projectSchema.safeParse(parse(readFileSync(file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error('it has no name');
  } catch (error) {
    const why = messageOf(error).split('\n')[0]?.replace(/[.:]$/, '') ?? '';
    throw new MeetupError(`${file} can't be read: ${why}.`, { cause: error });
  }
}

function outputsOf(folder: string, profile: string) {
  try {
    const document: unknown = parse(readFileSync(join(folder, 'profiles.yml'), 'utf8'));
    return z.record(z.string(), profileSchema).parse(document)[profile]?.outputs;
  } catch {
    return undefined;
  }
}

function packagesOf(dbtProject: string): string[] {
  const folder = join(dbtProject, 'dbt_packages');
  const isListed = ['packages.yml', 'dependencies.yml'].some((name) => existsSync(join(dbtProject, name)));
  const installed = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
  if (installed.length > 0) return [`Its packages are ${installed.sort().join(', ')}.`];
  return isListed ? ['Its packages are not installed: run `dbt deps` before `meetup dev`.'] : [];
}
