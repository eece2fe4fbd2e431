import { exp, ln } from './exact-math.ts';

/** Mixes whole numbers into 32 well-spread bits (murmur3's mixing steps). */
export function hash(...keys: readonly number[]): number {
  let h = 0x9747b28c;
  for (const key of keys) {
    h = mixIn(h, key | 0);
    // Seeds and timestamps in milliseconds don't fit into 32 bits.
    const high = Math.floor(key / 0x1_0000_0000);
    if (high !== 0 && high !== -1) h = mixIn(h, high | 0);
  }
  return finish(h);
}

/** A faster `hash` of two small integers, for calls in hot loops. */
export function hashPair(one: number, other: number): number {
  return finish(mixIn(mixIn(0x9747b28c, one | 0), other | 0));
}

function mixIn(h: number, key: number): number {
  let k = Math.imul(key, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let mixed = h ^ Math.imul(k, 0x1b873593);
  mixed = (mixed << 13) | (mixed >>> 19);
  return (Math.imul(mixed, 5) + 0xe6546b64) | 0;
}

function finish(h: number): number {
  let mixed = h ^ (h >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * A stream of random numbers (sfc32) seeded by its keys alone. Each group, person and event has its own stream, so that any of
 * them can be regenerated without the others.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(...keys: readonly number[]) {
    const base = hash(...keys);
    // Only small integers: with doubles, each draw would allocate.
    this.a = base | 0;
    this.b = finish(base ^ 0x9e3779b9) | 0;
    this.c = finish(base ^ 0x7f4a7c15) | 0;
    for (let i = 0; i < 8; i += 1) this.next();
  }

  /** A number in [0, 1). */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Bell-shaped, mean 0, standard deviation 1, never beyond ±3.5: the sum of four uniform numbers. */
  bell(): number {
    return (this.next() + this.next() + this.next() + this.next() - 2) * 1.7320508075688772;
  }

  /** Right-skewed with median 1: a few values are many times larger. */
  skewed(spread: number): number {
    return exp(this.bell() * spread);
  }

  /** An exponentially distributed waiting time with the given mean. */
  wait(mean: number): number {
    return -mean * ln(1 - this.next());
  }
}

/** Draws indexes of a list with probabilities proportional to their weights. */
export class Weighted {
  private readonly cumulative: Float64Array;

  constructor(weights: readonly number[]) {
    this.cumulative = new Float64Array(weights.length);
    let sum = 0;
    weights.forEach((weight, index) => {
      sum += weight;
      this.cumulative[index] = sum;
    });
  }

  draw(random: Random): number {
    const { cumulative } = this;
    const last = cumulative.length - 1;
    const target = random.next() * (cumulative[last] ?? 0);
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
