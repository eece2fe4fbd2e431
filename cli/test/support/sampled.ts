import { chanceFrom, numberFrom } from './chance.ts';

/** Runs every case, instead of a sample of those that take long. */
const ALL = process.env.MEETUP_ALL_CASES === '1';

/** Chosen anew for each run, so that all cases are covered over time. */
export const sampleSeed = numberFrom('MEETUP_SAMPLE_SEED', 1 + Math.floor(Math.random() * 1_000_000));

/**
 * A random sample of the test cases, in their order; all of them with MEETUP_ALL_CASES=1. MEETUP_SAMPLE_SEED repeats a sample.
 */
export function sampled<T>(cases: readonly T[], size: number, seed = sampleSeed): T[] {
  if (ALL || size >= cases.length) return [...cases];
  const chance = chanceFrom(seed);
  const chosen = new Set<number>();
  while (chosen.size < size) chosen.add(chance.below(cases.length));
  return cases.filter((_, at) => chosen.has(at));
}

/** Tests that take a minute or more, by what they need. Of each kind a run plays some, or all with MEETUP_ALL_CASES=1. */
const TURNS = {
  spark: {
    plays: 1,
    of: ['branches', 'taken from a branch', 'jobs', 'pull', 'daily drops', 'other projects', 'landed files'],
  },
  watch: { plays: 1, of: ['kinds of changes', 'file system', 'random work', 'random edits'] },
  inputs: { plays: 1, of: ['listed inputs', 'unlisted inputs', 'random inputs', 'unreadable files'] },
  features: { plays: 2, of: ['forget', 'metrics', 'contracts', 'a fifth entity', 'an empty machine', 'go', 'clients'] },
  'unit tests': { plays: 2, of: ['strength', 'column names', 'odd values', 'wrong verdicts'] },
  projects: { plays: 1, of: ['seeds only', 'own folders', 'vendored packages'] },
  scenarios: { plays: 1, of: ['rules', 'thirty drops', 'full refreshes'] },
  deployments: { plays: 1, of: ['a target', 'the whole project'] },
} as const;

/** The name of a test that takes turns with others. */
export type Turn = (typeof TURNS)[keyof typeof TURNS]['of'][number];

/** Whether this run plays a test that takes turns. */
export const hasItsTurn = (name: Turn): boolean =>
  Object.values(TURNS).some(({ plays, of }, kind) => sampled<Turn>(of, plays, seedOf(kind)).includes(name));

/** Another seed for each kind, far from its neighbours': the generator's first numbers are alike for seeds that are. */
const seedOf = (kind: number): number => Math.imul(sampleSeed + kind, 2_654_435_761);

/** How to repeat a sample, for titles. */
export const howSampled = ALL ? 'all cases' : `sample ${sampleSeed}`;
