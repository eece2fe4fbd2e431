/// <reference types="vite/client" />
import { join, relative } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { silentEffects } from '../src/config/effects.ts';
import { projectRoot, resolvePaths } from '../src/config/paths.ts';
import type { FixtureResult } from '../src/engine/protocol.ts';
import { styleFor } from '../src/text/style.ts';
import { renderFixture } from '../src/text/unit-test-result.ts';
import { UnitTestRunner } from '../src/unit-tests/unit-test-runner.ts';

/**
 * dbt's unit tests in `fixtures/models` as vitest tests, so that filters, watch mode, reporters and editors work with them.
 * Several run at a time. They use the engine of `./meetup test` or of a running `dev --watch` if there is one, or else start one.
 */

// These files are never imported. The calls make vitest rerun the tests when one of them changes. There is one call per pattern
// because Vite searches the common parent folder of all patterns in a call.
import.meta.glob('../../fixtures/models/**/*.yml', { query: '?raw' });
import.meta.glob('../../dbt/models/**/*', { query: '?raw' });
import.meta.glob('../../dbt/macros/**/*', { query: '?raw' });

const env = {
  ...process.env,
  MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain'),
};
const resolved = resolvePaths({}, env, process.cwd());
const paths = { ...resolved, state: process.env.MEETUP_ENGINE_DIR || resolved.state };
const session = new UnitTestRunner(paths, silentEffects({ env: process.env }));
afterAll(() => session.close());

const fixtures = await session.list();
for (const model of new Set(fixtures.map((fixture) => fixture.model))) {
  describe.concurrent(model, () => {
    for (const fixture of fixtures.filter((one) => one.model === model)) {
      it(fixture.name, async () => {
        const result = await session.run(fixture);
        if (result.status !== 'pass') throw failure(result);
      });
    }
  });
}

/** An error located at the fixture's own file and line, so that vitest shows the surrounding lines. */
function failure(result: FixtureResult): Error {
  const place = `${session.fileOf(result)}:${result.line ?? 1}`;
  const error = new Error(`${relative(paths.root, place)}\n${renderFixture(result, styleFor({}, process.env))}`);
  error.name = 'FixtureError';
  error.stack = `${error.name}: ${error.message}\n    at ${result.name} (${place}:5)`;
  return error;
}
