import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { silentEffects } from '../src/config/effects.ts';
import { projectRoot, resolvePaths } from '../src/config/paths.ts';
import { makeTemporaryFolder } from '../src/config/temporary-folder.ts';
import { readScenarios } from '../src/scenarios/read-scenarios.ts';
import { hasPassed, renderOutcome } from '../src/scenarios/render.ts';
import { ScenarioPlayer } from '../src/scenarios/scenario-player.ts';
import { ScenarioPool } from '../src/scenarios/scenario-pool.ts';

/** The scenarios in `fixtures/scenarios`, with one vitest test per day. dbt uses a single core, so two scenarios run at a time. */
const folder = await makeTemporaryFolder('meetup-scenarios-');
const env = {
  ...process.env,
  MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain'),
};
const pathsOf = (lane: string) => resolvePaths({ stateDir: join(folder, lane) }, env, process.cwd());
const effects = silentEffects({ env: process.env });
const pool = new ScenarioPool(['a', 'b'].map((lane) => new ScenarioPlayer(pathsOf(lane), effects)));

afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

for (const scenario of await readScenarios(pathsOf('a'))) {
  describe.concurrent(scenario.name, () => {
    for (const [index, day] of scenario.days.entries()) {
      it(day.name, { timeout: 300_000 }, async () => {
        const outcome = await pool.outcome(scenario, index + 1);
        if (!hasPassed(outcome)) throw new Error(renderOutcome(outcome));
      });
    }
  });
}
