import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['cli/test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Two cores are the smallest machine that the project is built for; the heavy tests start dbt and DuckDB themselves.
    maxWorkers: 2,
  },
});
