import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { hasCode, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

const outputSchema = z.looseObject({ type: z.enum(['duckdb', 'databricks']) });
const profilesSchema = z.record(z.string(), z.object({ outputs: z.record(z.string(), outputSchema) }));

/** One target of profiles/profiles.yml, with its templates as they are written. */
export type ProfileOutput = z.infer<typeof outputSchema>;

/**
 * Reads one target of the profile.
 * @throws MeetupError where the file is missing, no YAML, or has no such target.
 */
export async function readOutput(paths: Paths, target: string): Promise<ProfileOutput> {
  const path = join(paths.profiles, 'profiles.yml');
  const parsed = profilesSchema.safeParse(await readYaml(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MeetupError(`${path} is not a dbt profile: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  const output = Object.values(parsed.data)[0]?.outputs[target];
  if (output === undefined) throw new MeetupError(`${path} has no target '${target}': add it, or choose another.`);
  return output;
}

async function readYaml(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new MeetupError(`${path} is missing: restore it from git.`);
    if (error instanceof YAMLParseError) {
      throw new MeetupError(`${path} is not YAML: ${error.message.split('\n')[0]}`, { cause: error });
    }
    throw error;
  }
}

const ENV_VAR = /env_var\(\s*'([^']+)'\s*(?:,\s*'([^']*)'\s*)?\)/g;

/** The environment variables that a target can't do without: those that its templates give no default for. */
export function requiredVariables(output: ProfileOutput): string[] {
  const names = new Set<string>();
  for (const value of Object.values(output)) {
    if (typeof value !== 'string') continue;
    for (const [, name, fallback] of value.matchAll(ENV_VAR)) {
      if (name !== undefined && fallback === undefined) names.add(name);
    }
  }
  return [...names];
}

/** The variables that one field's template names. */
export function variablesOf(output: ProfileOutput, field: string): string[] {
  const value = output[field];
  return typeof value === 'string' ? [...value.matchAll(ENV_VAR)].flatMap(([, name]) => name ?? []) : [];
}

/**
 * A field's value as dbt would render it, for templates that are a variable and nothing else.
 * @returns undefined where it is anything else, or is not set.
 */
export function renderField(
  output: ProfileOutput,
  field: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const value = output[field];
  if (typeof value !== 'string') return undefined;
  const template = /^\{\{\s*env_var\(\s*'([^']+)'\s*(?:,\s*'([^']*)'\s*)?\)\s*\}\}$/.exec(value);
  if (template?.[1] === undefined) return value.includes('{{') ? undefined : value;
  return (env[template[1]] ?? template[2]) || undefined;
}
