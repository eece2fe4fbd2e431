import { chanceFrom, numberFrom } from './chance.ts';

/** Runs every case, instead of a sample of those that take long. */
const ALL = process.env.MEETUP_ALL_CASES === '1';

/** Chosen anew for each run, so that all cases are covered over time. */
export const sampleSeed = numberFrom('MEETUP_SAMPLE_SEED', 1 + Math.floor(Math.random() * 1_000_000));

/**
 * A random sample of the test cases, in their order; all of them with MEETUP_ALL_CASES=1. MEETUP_SAMPLE_SEED repeats a sample.
 */
export function sampled<T>(cases: readonly T[], size: number): T[] {
  if (ALL || size >= cases.length) return [...cases];
  const chance = chanceFrom(sampleSeed);
  const chosen = new Set<number>();
  while (chosen.size < size) chosen.add(chance.below(cases.length));
  return cases.filter((_, at) => chosen.has(at));
}

/** Tests on Spark that take minutes each: a run plays one of them, or all with MEETUP_ALL_CASES=1. */
const TAKING_TURNS = ['branches', 'jobs', 'pull', 'daily drops'] as const;

/** Whether this run plays one of the tests that take turns. */
export const hasItsTurn = (name: (typeof TAKING_TURNS)[number]): boolean => sampled(TAKING_TURNS, 1).includes(name);

/** How to repeat a sample, for titles. */
export const howSampled = ALL ? 'all cases' : `sample ${sampleSeed}`;
