import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';
import { temporaryFolder } from '../support/effects.ts';
import { howSampled, sampled } from '../support/sampled.ts';
import { tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 240_000 });

const outcomeSchema = z.object({
  compared: z.number(),
  refused: z.number().optional(),
  kinds: z.record(z.string(), z.number()),
  difference: z.string().nullable(),
});

describe(`the engine's incrementally parsed manifest (${howSampled})`, () => {
  it.each(sampled([1, 2], 1))(
    'equals one that dbt parses from scratch, after any sequence of edits (seed %i)',
    async (seed) => {
      const { paths } = await tinyProject(await temporaryFolder(), { raw: false });
      const { stdout } = await execa(
        paths.python,
        [
          join(projectRoot, 'cli/test/engine/parse_equivalence.py'),
          join(projectRoot, 'cli/src/engine/python'),
          paths.dbtProject,
          paths.profiles,
          paths.dbtTarget,
          String(seed),
          '30',
        ],
        { env: { MEETUP_DUCKDB_PATH: paths.workDatabase, MEETUP_DBT_TARGET: paths.dbtTarget } },
      );
      const outcome = outcomeSchema.parse(JSON.parse(stdout.split('\n').at(-1) ?? ''));
      expect(outcome.difference).toBeNull();
      expect(outcome.compared).toBe(30);
      expect(Object.keys(outcome.kinds).length).toBeGreaterThan(8);
      expect(outcome.refused).toBeGreaterThan(0);
    },
  );
});
