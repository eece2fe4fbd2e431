/*
 * Regular expressions (RE2) for numbers in JSON text. They may miss numbers within the range but never match one outside it;
 * whatever they miss goes to ajv.
 */

/** Every parser reads numbers of at most 15 digits exactly. */
const MOST = 999_999_999_999_999;

/** A pattern for the integers from `low` to `high`, inclusive; undefined if there are none. */
export function integerPattern(low: number, high: number): string | undefined {
  const from = Math.max(Math.ceil(low), -MOST);
  const to = Math.min(Math.floor(high), MOST);
  const positive = to < 0 ? [] : digitsBetween(Math.max(from, 0), to);
  const negative = from >= 0 ? [] : digitsBetween(Math.max(-to, 1), -from).map((digits) => `-${digits}`);
  return anyOf([...positive, ...negative]);
}

/** A pattern for decimal numbers from `low` to `high`, inclusive. */
export function decimalPattern(low: number, high: number): string | undefined {
  const fraction = '(?:\\.[0-9]{1,17})?';
  const alternatives: string[] = [];
  const add = (sign: string, least: number, greatest: number): void => {
    const from = Math.ceil(Math.max(least, 0));
    const to = Math.floor(Math.min(greatest, MOST + 1));
    // A number with a fraction lies between its whole part and the next integer.
    const within = anyOf(digitsBetween(from, to - 1));
    if (within !== undefined) alternatives.push(`${sign}${within}${fraction}`);
    const exact = to >= from ? anyOf(digitsBetween(to, to)) : undefined;
    if (exact !== undefined) alternatives.push(`${sign}${exact}`);
  };
  if (high >= 0) add('', low, high);
  if (low < 0) add('-', -high, -low);
  return anyOf(alternatives);
}

/** Alternatives that together match exactly the non-negative integers from `low` to `high`. */
function digitsBetween(low: number, high: number): string[] {
  if (low > high) return [];
  const ends = new Set([high]);
  // Split where the last digits become all nines on the way up, and all zeros on the way down: 1-9, 10-99, 100-399, 400-409,
  // 410-412.
  for (let digits = 1, end = withNines(low, digits); end <= high; digits += 1, end = withNines(low, digits)) {
    ends.add(end);
  }
  for (let digits = 1, end = withZeros(high + 1, digits) - 1; end > low; digits += 1) {
    ends.add(end);
    end = withZeros(high + 1, digits + 1) - 1;
  }
  let from = low;
  const patterns = [...ends]
    .sort((a, b) => a - b)
    .map((to) => {
      const pattern = betweenDigits(String(from), String(to));
      from = to + 1;
      return pattern;
    });
  return mergeLengths(patterns);
}

/** Merges `[1-9]`, `[1-9][0-9]`, `[1-9][0-9]{2}` into `[1-9][0-9]{0,2}`. */
function mergeLengths(patterns: readonly string[]): string[] {
  const free = /^(.*?)(?:\[0-9\](?:\{(\d+)\})?)?$/;
  const merged: { head: string; from: number; to: number }[] = [];
  for (const pattern of patterns) {
    const [, head = '', times] = free.exec(pattern) ?? [];
    const length = times !== undefined ? Number(times) : head === pattern ? 0 : 1;
    const last = merged.at(-1);
    if (head !== '' && last?.head === head && last.to === length - 1) last.to = length;
    else merged.push({ head, from: length, to: length });
  }
  return merged.map(({ head, from, to }) => {
    if (to === 0) return head;
    return `${head}[0-9]${from === to ? (to === 1 ? '' : `{${to}}`) : `{${from},${to}}`}`;
  });
}

const withNines = (number: number, digits: number): number =>
  Number(String(number).slice(0, -digits) + '9'.repeat(digits));

const withZeros = (number: number, digits: number): number => number - (number % 10 ** digits);

/** For two numbers of equal length: each digit ranges from the first number's to the second's. */
function betweenDigits(from: string, to: string): string {
  const digits = [...from].map((digit, at) => {
    const last = to.charAt(at);
    return digit === last ? digit : `[${digit}-${last}]`;
  });
  return digits.join('').replace(/(?:\[0-9\]){2,}/g, (run) => `[0-9]{${run.length / 5}}`);
}

/** Combines patterns as alternatives; undefined if there are none. */
export function anyOf(patterns: readonly (string | undefined)[]): string | undefined {
  const given = patterns.filter((pattern) => pattern !== undefined);
  return given.length === 0 ? undefined : `(?:${given.join('|')})`;
}
