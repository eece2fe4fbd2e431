import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes many minutes on a real Spark begins first, so that no worker waits for it in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('.spark.test.ts');
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const SPARK = 'cli/test/**/*.spark.test.ts';

export default defineConfig({
  test: {
    // Two cores are the smallest machine that the project is built for; the heavy tests start dbt and DuckDB themselves.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // The CLI's own tests that need no Spark.
        test: {
          name: 'cli',
          include: ['cli/test/**/*.test.ts'],
          exclude: [SPARK],
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The tests that start the rehearsal: Spark and Delta behind the gateway. They need Java.
        test: { name: 'spark', include: [SPARK], testTimeout: 180_000, hookTimeout: 600_000 },
      },
      {
        // The models' own tests: dbt's unit tests in fixtures/models, on the warm engine.
        test: { name: 'fixtures', include: ['cli/model-tests/**/*.fixtures.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
