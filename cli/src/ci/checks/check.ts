import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { readJsonFile } from '../../config/json-file.ts';
import type { Paths } from '../../config/paths.ts';
import { type RuleName, ruleNames, ruleSetting, sharedMarts } from '../../config/project/check-settings.ts';
import { EngineClient } from '../../engine/client.ts';
import { requireReadable } from '../../engine/problems.ts';
import { type CheckedManifest, checkedManifest } from './manifest.ts';
import { type Breach, type Checked, rules } from './rules.ts';

/** One line: which rule, which model, where, and what to do. */
export interface Finding {
  readonly rule: RuleName;
  readonly severity: 'error' | 'warn';
  /** The model, or the exposure. */
  readonly name: string;
  readonly column?: string;
  /** Relative to the project's root. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface ChecksOutcome {
  /** The number of models that were checked. */
  readonly models: number;
  readonly findings: readonly Finding[];
}

/**
 * Checks the project's conventions, as far as `checks` in meetup.yml asks for them, in dbt's manifest.
 * @throws MeetupError if dbt can't read the project.
 */
export async function checkConventions(paths: Paths, effects: Effects): Promise<ChecksOutcome> {
  return findingsIn(await readManifest(paths, effects), paths);
}

/**
 * dbt's manifest of the project as it is in the working tree.
 * @throws MeetupError if dbt can't read the project.
 */
export async function readManifest(paths: Paths, effects: Effects): Promise<CheckedManifest> {
  const manifestFile = join(paths.state, 'checks', 'manifest.json');
  const engine = new EngineClient(paths, effects);
  try {
    const answer = await engine.changes({ target: 'dev', manifestFile });
    if (answer.status !== 'pass') requireReadable(answer);
  } finally {
    await engine.close();
  }
  return readJsonFile(manifestFile, checkedManifest, 'remove it, and try again');
}

/** What the rules find in a manifest, with the severities of meetup.yml. */
export async function findingsIn(manifest: CheckedManifest, paths: Paths): Promise<ChecksOutcome> {
  const models = Object.values(manifest.nodes).filter(
    ({ resource_type: kind, package_name: from }) => kind === 'model' && from === manifest.metadata.project_name,
  );
  const personal = new Map(
    Object.entries(paths.settings.personal ?? {}).map(([name, is]) => [name.toLowerCase(), is] as const),
  );
  return {
    models: models.length,
    findings: await findingsOf({ manifest, models, personal, sharedMarts: sharedMarts(paths.settings.checks) }, paths),
  };
}

async function findingsOf(checked: Checked, paths: Paths): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const rule of ruleNames) {
    const { severity, exclude } = ruleSetting(paths.settings.checks, rule);
    if (severity === 'off') continue;
    const left = exclude.map(wildcard);
    for (const breach of rules[rule](checked)) {
      if (left.some((pattern) => pattern.test(breach.name))) continue;
      const { name, column, message } = breach;
      const place = await placeOf(breach, paths);
      findings.push({ rule, severity, name, ...(column === undefined ? {} : { column }), ...place, message });
    }
  }
  return findings;
}

const wildcard = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

/** Where it is described: the line of its name in the YAML file, or else the first line of its own file. */
async function placeOf(
  { name, column, node }: Breach,
  { root, dbtProject }: Paths,
): Promise<Pick<Finding, 'file' | 'line'>> {
  const path = node.patch_path?.replace(/^[^:]+:\/\//, '') ?? node.original_file_path;
  const full = join(dbtProject, path);
  const lines = (await readFile(full, 'utf8').catch(() => '')).split('\n');
  const named = (text: string, from: number): number =>
    lines.findIndex((line, at) => at >= from && nameIn(line) === text);
  const at = named(name, 0);
  const inside = column === undefined ? -1 : named(column, at + 1);
  return { file: relative(root, full).split(sep).join('/'), line: Math.max(at, inside, 0) + 1 };
}

/** The name that a line of YAML gives to something. */
const nameIn = (line: string): string | undefined => /^\s*-?\s*\{?\s*name:\s*['"]?([^'",}\s]+)/.exec(line)?.[1];
