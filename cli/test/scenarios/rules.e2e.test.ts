import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { ScenarioPlayer } from '../../src/scenarios/scenario-player.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';
import { type Rule, rules } from './rules.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('rules'));

/**
 * A test of the scenarios: each must fail if somebody breaks its business rule in a model. Each rule is broken in a copy of the
 * project, on which its scenario is then played. Rules that need variables come last because they need another parse.
 */
let folder: string;
let paths: Paths;
let session: ScenarioPlayer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-rules-'));
  const copy = join(folder, 'project');
  for (const part of ['dbt', 'profiles', 'fixtures', 'data/schemas', 'queries', 'meetup.yml']) {
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

// These run after the broken rules, so that they also reveal a rule that was not restored.
const unbroken = ['active-members', 'changed-answers', 'duplicates', 'orphans'];

test('each rule is in its file once, so that it can be broken', async () => {
  for (const rule of rules) {
    const text = await readFile(join(paths.dbtProject, rule.file), 'utf8');
    expect(text.split(rule.text), `${rule.rule}: ${rule.file} contains the text once`).toHaveLength(2);
    expect(text.replace(rule.text, () => rule.broken)).not.toBe(text);
  }
});

/** How many rules are broken in a run. */
const SAMPLE = 16;

describeInTurn(`a scenario fails if its rule is broken (${howSampled}):`, () => {
  const needsVariables = (rule: Rule): number => (rule.scenario === 'as-of-a-day' ? 1 : 0);
  const ordered = sampled(rules, SAMPLE).sort((a, b) => needsVariables(a) - needsVariables(b));
  test.each(ordered)('$rule', { timeout: 180_000 }, async (rule) => {
    const { problems, differences } = await playBroken(rule);
    // A model that can't be built would prove nothing, because any scenario would fail.
    expect(problems).toEqual([]);
    expect(differences.map(({ table }) => table)).toContain(rule.table);
    expect(differences.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });
});

describeInTurn('a scenario passes if no rule is broken:', () => {
  test.each(unbroken)('%s', { timeout: 180_000 }, async (name) => {
    const outcome = await session.play(await readScenario(paths, name), 1);
    expect({ problems: outcome.problems, differences: outcome.differences }).toEqual({ problems: [], differences: [] });
  });
});
