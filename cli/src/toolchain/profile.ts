import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { hasCode, MeetupError } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import type { Paths } from '../config/paths.ts';

/** Outputs of other types are ignored here: they may be used with dbt itself. */
const outputSchema = z.looseObject({ type: z.string() });
const profileSchema = z.looseObject({ outputs: z.record(z.string(), outputSchema) });

/** One target of profiles/profiles.yml, with unrendered templates. */
export type ProfileOutput = z.infer<typeof outputSchema>;

const profilesFile = (paths: Pick<Paths, 'profiles'>): string => join(paths.profiles, 'profiles.yml');

/**
 * Reads one target of the profile that the dbt project names.
 * @throws MeetupError if the file is missing, is not YAML or has no such target.
 */
export async function readOutput(paths: Paths, target: string): Promise<ProfileOutput> {
  const path = profilesFile(paths);
  const document = await readYaml(path);
  const profile = profileIn(document, await profileName(paths));
  const parsed = profileSchema.safeParse(profile);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MeetupError(`${path} is not a dbt profile: ${issue?.path.join('.') || 'the file'}: ${issue?.message}.`);
  }
  const output = parsed.data.outputs[target];
  if (output === undefined)
    throw new MeetupError(
      `${path} has no target '${target}': add it, or let \`./meetup init\` write profiles that have it.`,
    );
  return output;
}

/**
 * Makes sure that dbt builds into the database that `load` fills and `query` reads. Only dbt can render templates that are
 * more than a variable; the engine applies the same check to the rendered value.
 * @throws MeetupError that says how the target 'dev' differs.
 */
export async function requireLocalProfile(paths: Paths, env: Environment): Promise<void> {
  if (!existsSync(profilesFile(paths))) return;
  const difference = differenceOf(paths, await readOutput(paths, 'dev'), env);
  if (difference !== undefined) throw new MeetupError(difference);
}

/** How the target 'dev' differs from what meetup needs, as a sentence; undefined if it doesn't. */
export function differenceOf(paths: Paths, output: ProfileOutput, env: Environment): string | undefined {
  const file = profilesFile(paths);
  if (output.type !== 'duckdb') {
    return `The target 'dev' of ${file} is of type ${output.type}, but meetup needs DuckDB there: rename that target, and run it with dbt itself.`;
  }
  if (output.path === undefined) return otherDatabase(file, ':memory:', paths);
  const path = renderField(output, 'path', { ...env, MEETUP_DUCKDB_PATH: paths.workDatabase });
  if (path === undefined || resolve(paths.dbtProject, path) === paths.workDatabase) return undefined;
  return otherDatabase(file, path, paths);
}

const otherDatabase = (file: string, path: string, paths: Paths): string =>
  `The target 'dev' of ${file} builds into ${path}, but meetup loads into ${paths.workDatabase} and publishes from there: set path: "{{ env_var('MEETUP_DUCKDB_PATH') }}" there, and choose the folder with --state-dir.`;

type Environment = Readonly<Record<string, string | undefined>>;

/** The profile with that name, or the only one. */
function profileIn(document: unknown, name: string | undefined): unknown {
  if (typeof document !== 'object' || document === null) return document;
  // dbt's own settings used to be in this file.
  const profiles = new Map(Object.entries(document).filter(([key]) => key !== 'config'));
  return (name === undefined ? undefined : profiles.get(name)) ?? [...profiles.values()][0];
}

/** The profile's name in dbt_project.yml; undefined if that can't be read, which dbt itself reports better. */
async function profileName(paths: Paths): Promise<string | undefined> {
  try {
    const document: unknown = parse(await readFile(join(paths.dbtProject, 'dbt_project.yml'), 'utf8'));
    const parsed = z.looseObject({ profile: z.string() }).safeParse(document);
    return parsed.success ? parsed.data.profile : undefined;
  } catch {
    return undefined;
  }
}

async function readYaml(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new MeetupError(`${path} is missing: restore it from git.`);
    if (error instanceof YAMLParseError) {
      throw new MeetupError(`${path} is not YAML: ${error.message.split('\n')[0]}`, { cause: error });
    }
    throw fileProblem(error, path);
  }
}

const ENV_VAR = /env_var\(\s*(?:'([^']+)'|"([^"]+)")\s*(?:,\s*(?:'([^']*)'|"([^"]*)")\s*)?\)/g;

/** The environment variables that a target requires: those without a default in its templates. */
export function requiredVariables(output: ProfileOutput): string[] {
  const names = new Set<string>();
  for (const value of Object.values(output)) {
    if (typeof value !== 'string') continue;
    for (const { name, fallback } of variablesIn(value)) if (fallback === undefined) names.add(name);
  }
  return [...names];
}

/** The variables that one field's template names. */
export function variablesOf(output: ProfileOutput, field: string): string[] {
  const value = output[field];
  return typeof value === 'string' ? variablesIn(value).map(({ name }) => name) : [];
}

interface Variable {
  readonly name: string;
  readonly fallback: string | undefined;
}

function variablesIn(template: string): Variable[] {
  return [...template.matchAll(ENV_VAR)].flatMap(([, single, double, fallback, other]) => {
    const name = single ?? double;
    return name === undefined ? [] : [{ name, fallback: fallback ?? other }];
  });
}

/**
 * A field's value as dbt would render it, for templates that are a variable and nothing else.
 * @returns undefined for any other template, or if the variable is not set.
 */
export function renderField(output: ProfileOutput, field: string, env: Environment): string | undefined {
  const value = output[field];
  if (typeof value !== 'string') return undefined;
  const template = /^\s*\{\{\s*(.*?)\s*\}\}\s*$/s.exec(value)?.[1];
  if (template === undefined) return value.includes('{{') || value.includes('{%') ? undefined : value;
  const [variable, ...others] = variablesIn(template);
  // A filter, an operator or a second variable makes it another value.
  if (variable === undefined || others.length > 0 || template.replace(ENV_VAR, '') !== '') return undefined;
  return (env[variable.name] ?? variable.fallback) || undefined;
}
