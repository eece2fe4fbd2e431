/** A small random generator. `below(n)` returns integers from 0 to n - 1. */
export interface Chance {
  below(limit: number): number;
  of<T>(choices: readonly T[]): T;
}

/** A random generator that produces the same values for the same seed. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const of = <T>(choices: readonly T[]): T => {
    const chosen = choices[below(choices.length)];
    if (chosen === undefined) throw new Error('There is nothing to choose from.');
    return chosen;
  };
  return { below, of };
}

/** A positive integer from an environment variable, such as the duration or the seed of a randomised test. */
export function numberFrom(name: string, otherwise: number): number {
  const given = Number(process.env[name]);
  return Number.isInteger(given) && given > 0 ? given : otherwise;
}
