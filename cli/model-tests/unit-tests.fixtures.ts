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
 * dbt's unit tests in `fixtures/models`, one vitest test each, so that filters, watch, reporters and editors know them.
 * Each is run inside its own test, several side by side. The engine is the one of `./meetup test` or of a running `dev --watch`, or one of its own.
 */

// Never imported: vitest runs these tests again when one of the files changes. One call each, since Vite searches the folder
// that all patterns of a call have in common.
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

/** An error that stands at the fixture's own file and line, which vitest shows with the lines around it. */
function failure(result: FixtureResult): Error {
  const place = `${session.fileOf(result)}:${result.line ?? 1}`;
  const error = new Error(`${relative(paths.root, place)}\n${renderFixture(result, styleFor({}, process.env))}`);
  error.name = 'FixtureError';
  error.stack = `${error.name}: ${error.message}\n    at ${result.name} (${place}:5)`;
  return error;
}
