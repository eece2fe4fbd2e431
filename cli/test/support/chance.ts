/** A small generator of chance: `below(n)` gives whole numbers from 0 up to n, the same ones for the same seed. */
export interface Chance {
  below(limit: number): number;
  of<T>(choices: readonly T[]): T;
}

/** Chance that can be played again by its seed. */
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

/** A whole number from an environment variable, for how long or with which seed a random test runs. */
export function numberFrom(name: string, otherwise: number): number {
  const given = Number(process.env[name]);
  return Number.isInteger(given) && given > 0 ? given : otherwise;
}
