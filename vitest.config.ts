import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest begins first, so that no worker waits for it in the end: Spark takes minutes, dbt tens of seconds. */
const LONGEST = [
  '/whole-project.spark.test.ts',
  '/deploy.spark.test.ts',
  '/jobs.spark.test.ts',
  '/rehearsed.spark.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const kinds = [...LONGEST, '.spark.test.ts', '/scenarios.fixtures.ts', '.e2e.test.ts', '.fixtures.ts'];
    const rank = ({ moduleId }: TestSpecification): number => {
      const kind = kinds.findIndex((end) => moduleId.endsWith(end));
      return kind === -1 ? kinds.length : kind;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const E2E = 'cli/test/**/*.e2e.test.ts';
const SPARK = 'cli/test/**/*.spark.test.ts';

export default defineConfig({
  test: {
    // Two cores are the smallest machine that the project is built for; the heavy tests start dbt and DuckDB themselves.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // The CLI's own tests in its own process: seconds each.
        test: {
          name: 'cli',
          isolate: false,
          include: ['cli/test/**/*.test.ts'],
          exclude: [E2E, SPARK],
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The tests that start dbt, the launcher or a watch.
        test: { name: 'e2e', include: [E2E], testTimeout: 30_000, hookTimeout: 120_000 },
      },
      {
        // The tests that start the rehearsal: Spark and Delta behind the gateway. They need Java.
        test: {
          name: 'spark',
          include: [SPARK],
          globalSetup: ['cli/test/support/shared-rehearsal.ts'],
          // Their tables are small, and Java's optimizing compiler would take a third of the CPU time.
          env: { MEETUP_REHEARSAL_JAVA_OPTIONS: '-XX:TieredStopAtLevel=1' },
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        // The models' own tests: dbt's unit tests in fixtures/models, on the warm engine.
        test: { name: 'fixtures', include: ['cli/model-tests/**/*.fixtures.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
