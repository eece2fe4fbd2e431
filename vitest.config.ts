import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Two cores are the smallest machine that the project is built for; the heavy tests start dbt and DuckDB themselves.
    maxWorkers: 2,
    projects: [
      {
        // The CLI's own tests.
        test: { name: 'cli', include: ['cli/test/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 120_000 },
      },
      {
        // The models' own tests: dbt's unit tests in fixtures/models, on the warm engine.
        test: { name: 'fixtures', include: ['cli/fixtures/**/*.fixtures.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
