import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { readJsonFile } from '../../config/json-file.ts';
import type { Paths } from '../../config/paths.ts';
import { type RuleName, ruleNames, ruleSetting, sharedMarts } from '../../config/project/check-settings.ts';
import { EngineClient } from '../../engine/client.ts';
import { requireReadable } from '../../engine/problems.ts';
import { type LineageGraph, lineageGraph } from '../../lineage/graph.ts';
import { readLineage } from '../../lineage/read-lineage.ts';
import { type CheckedManifest, checkedManifest } from './manifest.ts';
import { hasPersonalColumns } from './personal.ts';
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

/** What the rules look at, as dbt reads it from the working tree. */
export interface ReadProject {
  readonly manifest: CheckedManifest;
  /** Only if a column is declared personal: the rule follows it through the SQL. */
  readonly lineage: LineageGraph | undefined;
}

/**
 * Checks the project's conventions, as far as `checks` in meetup.yml asks for them, in dbt's manifest.
 * @throws MeetupError if dbt can't read the project.
 */
export async function checkConventions(engine: EngineClient, paths: Paths): Promise<ChecksOutcome> {
  const followsPersonal = ruleSetting(paths.settings.checks, 'personal').severity !== 'off';
  return findingsIn(await readWith(engine, paths, { followsPersonal }), paths);
}

/**
 * @param options.followsPersonal whether to read the lineage of columns if any is declared personal.
 * @throws MeetupError if dbt can't read the project.
 */
export async function readProject(
  paths: Paths,
  effects: Effects,
  { followsPersonal }: { readonly followsPersonal: boolean },
): Promise<ReadProject> {
  const engine = new EngineClient(paths, effects);
  try {
    return await readWith(engine, paths, { followsPersonal });
  } finally {
    await engine.close();
  }
}

async function readWith(
  engine: EngineClient,
  paths: Paths,
  { followsPersonal }: { readonly followsPersonal: boolean },
): Promise<ReadProject> {
  const manifestFile = join(paths.state, 'checks', 'manifest.json');
  const answer = await engine.changes({ target: 'dev', manifestFile });
  if (answer.status !== 'pass') requireReadable(answer);
  const manifest = await readJsonFile(manifestFile, checkedManifest, 'remove it, and try again');
  const isFollowed = followsPersonal && hasPersonalColumns({ manifest, personal: personalSettings(paths) });
  return { manifest, lineage: isFollowed ? lineageGraph(await readLineage(engine, paths)) : undefined };
}

/** `personal` of meetup.yml, by lower-case `<table>.<column>`. */
export const personalSettings = ({ settings }: Paths): ReadonlyMap<string, boolean> =>
  new Map(Object.entries(settings.personal ?? {}).map(([name, is]) => [name.toLowerCase(), is] as const));

/** What the rules find in a manifest, with the severities of meetup.yml. */
export async function findingsIn({ manifest, lineage }: ReadProject, paths: Paths): Promise<ChecksOutcome> {
  const models = Object.values(manifest.nodes).filter(
    ({ resource_type: kind, package_name: from }) => kind === 'model' && from === manifest.metadata.project_name,
  );
  const checked = { manifest, models, lineage, personal: personalSettings(paths) };
  return {
    models: models.length,
    findings: await findingsOf({ ...checked, sharedMarts: sharedMarts(paths.settings.checks) }, paths),
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
