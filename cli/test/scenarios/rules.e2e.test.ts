import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { ScenarioPlayer } from '../../src/scenarios/scenario-player.ts';
import { quietEffects } from '../support/effects.ts';
import { type Rule, rules } from './rules.ts';

/**
 * The test of the tests: whoever breaks a business rule in a model is told by a scenario. Each rule is broken in a copy of the
 * project, and the scenario of that rule is played on it. Rules that need variables come last: they cost a parse.
 */
let folder: string;
let paths: Paths;
let session: ScenarioPlayer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-rules-'));
  const copy = join(folder, 'project');
  for (const part of ['dbt', 'profiles', 'fixtures', 'data/schemas']) {
    await cp(join(projectRoot, part), join(copy, part), { recursive: true });
  }
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
  const env = { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: copy };
  paths = resolvePaths({ stateDir: join(folder, 'state') }, env, folder);
  session = new ScenarioPlayer(paths, quietEffects({ env: process.env }), { modelsChange: true });
});

afterAll(async () => {
  await session?.close();
  await rm(folder, { recursive: true, force: true });
});

async function playBroken(rule: Rule) {
  const file = join(paths.dbtProject, rule.file);
  const text = await readFile(file, 'utf8');
  expect(text.split(rule.text), `${rule.file} holds the text once`).toHaveLength(2);
  const scenario = await readScenario(paths, rule.scenario);
  try {
    await session.ready(scenario);
    await writeFile(
      file,
      text.replace(rule.text, () => rule.broken),
    );
    return await session.play(scenario, rule.day);
  } finally {
    await writeFile(file, text);
  }
}

// After the rules, so that a break that was not taken back shows here too.
const unbroken = ['active-members', 'changed-answers', 'duplicates', 'orphans'];

describe('a broken rule is noticed by its scenario', () => {
  const needsVariables = (rule: Rule): number => (rule.scenario === 'as-of-a-day' ? 1 : 0);
  const ordered = [...rules].sort((a, b) => needsVariables(a) - needsVariables(b));
  test.each(ordered)('$rule', { timeout: 180_000 }, async (rule) => {
    const { problems, differences } = await playBroken(rule);
    // A model that can't be built is noticed by anybody: that would prove nothing.
    expect(problems).toEqual([]);
    expect(differences.map(({ table }) => table)).toContain(rule.table);
    expect(differences.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });
});

describe('the same project, unbroken, passes its scenarios', () => {
  test.each(unbroken)('%s', { timeout: 180_000 }, async (name) => {
    const outcome = await session.play(await readScenario(paths, name), 1);
    expect({ problems: outcome.problems, differences: outcome.differences }).toEqual({ problems: [], differences: [] });
  });
});
