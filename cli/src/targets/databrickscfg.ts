import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { hasCode, MeetupError } from '../config/errors.ts';

/** One profile of Databricks' own configuration file, as its CLI writes it. */
export type ConfigProfile = Readonly<Record<string, string>>;

/**
 * Reads one profile of `~/.databrickscfg` (or DATABRICKS_CONFIG_FILE): the one that DATABRICKS_CONFIG_PROFILE names, else DEFAULT.
 * See https://docs.databricks.com/dev-tools/auth/config-profiles
 * @returns undefined if there is no file, or no DEFAULT in it.
 * @throws MeetupError if the requested profile doesn't exist.
 */
export async function readConfigProfile(env: Effects['env']): Promise<ConfigProfile | undefined> {
  const file = env.DATABRICKS_CONFIG_FILE || join(env.HOME || homedir(), '.databrickscfg');
  const wanted = env.DATABRICKS_CONFIG_PROFILE;
  const profiles = parseIni(await readIfThere(file));
  const profile = profiles.get(wanted || 'DEFAULT');
  if (profile === undefined && wanted) {
    throw new MeetupError(
      `${file} has no profile [${wanted}]: add it with \`databricks configure\`, or change DATABRICKS_CONFIG_PROFILE.`,
    );
  }
  return profile;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw new MeetupError(`${file} can't be read: check its permissions.`, { cause: error });
  }
}

/** Parses sections of `key = value` lines; `;` and `#` start a comment line. */
export function parseIni(text: string): Map<string, ConfigProfile> {
  const sections = new Map<string, Record<string, string>>();
  let current: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) {
      current = {};
      sections.set(section.trim(), current);
      continue;
    }
    const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (current !== undefined && key !== undefined && value !== undefined) current[key.toLowerCase()] = value;
  }
  return sections;
}
