export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };
export type JsonRecord = { [name: string]: JsonValue };

/** One way in which a record of a real file may be odd. */
export interface Oddity {
  readonly name: string;
  /** Returns what is written in the record's place: a changed record, or several. */
  readonly spoil: (record: JsonRecord) => JsonRecord[];
  /** Keep the record and write a spoilt copy after it. */
  readonly inCopy?: true;
  /** It makes the record invalid, so that `load` rejects it. */
  readonly breaks?: true;
  /** It can't be combined with others in one record, as small data sets do with invalid ones. */
  readonly alone?: true;
  /** It is too large to be repeated. */
  readonly once?: true;
}

/** An oddity that changes fields of the record. */
export function changing(name: string, change: (record: JsonRecord) => void): Oddity {
  return {
    name,
    spoil: (record) => {
      change(record);
      return [record];
    },
  };
}

/** An oddity that makes the record invalid. */
export function breaking(name: string, change: (record: JsonRecord) => void): Oddity {
  return { ...changing(name, change), breaks: true };
}

/** Like `breaking`, but in a copy: without the valid record, thousands of references to it would dangle. */
export function breakingCopy(name: string, change: (record: JsonRecord) => void): Oddity {
  return { ...breaking(name, change), inCopy: true };
}

/** The objects of a nested list; none if the record has no such list. */
export function items(record: JsonRecord, field: string): JsonRecord[] {
  const list = record[field];
  if (!Array.isArray(list)) return [];
  return list.filter((item): item is JsonRecord => typeof item === 'object' && item !== null && !Array.isArray(item));
}

/**
 * The largest share of invalid records in the first pass. `load` refuses a file with more than 1% of them, so a file with fewer
 * records than LEAST_FOR_BROKEN has none.
 */
const MOST_BROKEN = 0.004;
const LEAST_FOR_BROKEN = 220;
const HARMLESS_EVERY = 350;
const BREAKING_EVERY = 1500;

/**
 * Decides which records of one entity are odd: each oddity occurs once, early, even in a small data set, and then rarely.
 * Invalidating ones share a record if there are too few records for one each.
 */
export class OddityPlan {
  private readonly first = new Map<number, Oddity[]>();
  private readonly harmless: readonly Oddity[];
  private readonly broken: readonly Oddity[];
  private readonly firstEnds: number;
  private count = 0;
  private nextHarmless = 0;
  private nextBroken = 0;

  /** @param expected a lower bound for the entity's number of records. */
  constructor(oddities: readonly Oddity[], expected: number) {
    this.harmless = oddities.filter(({ breaks }) => breaks === undefined);
    this.broken = oddities.filter(({ breaks }) => breaks !== undefined);
    const slots: Oddity[][] = [...packed(this.broken, expected), ...this.harmless.map((oddity) => [oddity])];
    const spacing = Math.max(1, Math.floor(expected / (slots.length + 2)));
    slots.forEach((slot, i) => {
      this.first.set((i + 1) * spacing, slot);
    });
    this.firstEnds = (slots.length + 1) * spacing;
  }

  /** The oddities of the next record, usually none. */
  next(): readonly Oddity[] {
    const position = this.count;
    this.count += 1;
    if (position < this.firstEnds) return this.first.get(position) ?? [];
    if (position % BREAKING_EVERY === 7 && position > LEAST_FOR_BROKEN) {
      this.nextBroken += 1;
      return this.broken.slice(this.nextBroken % this.broken.length).slice(0, 1);
    }
    if (position % HARMLESS_EVERY === 11) {
      this.nextHarmless += 1;
      const oddity = this.harmless[this.nextHarmless % this.harmless.length];
      return oddity === undefined || oddity.once ? [] : [oddity];
    }
    return [];
  }
}

/** Distributes invalidating oddities over as many records as allowed. */
function packed(broken: readonly Oddity[], expected: number): Oddity[][] {
  if (expected < LEAST_FOR_BROKEN) return [];
  const room = Math.min(broken.length, Math.max(1, Math.floor(expected * MOST_BROKEN)));
  const loners = broken.filter(({ alone }) => alone);
  const others = broken.filter(({ alone }) => !alone);
  const separate = room > loners.length ? loners.map((oddity) => [oddity]) : [];
  const shared: Oddity[][] = Array.from({ length: room - separate.length }, () => []);
  others.forEach((oddity, i) => {
    shared[i % shared.length]?.push(oddity);
  });
  return [...shared, ...separate].filter((record) => record.length > 0);
}

/** Applies oddities to a record, given and returned as JSON text; the result may be several records. */
export function spoil(record: string, oddities: readonly Oddity[]): string[] {
  if (oddities.length === 0) return [record];
  let records = [parse(record)];
  for (const oddity of oddities) records = records.flatMap((one) => oddity.spoil(one));
  const spoilt = records.map((one) => JSON.stringify(one));
  return oddities.some(({ inCopy }) => inCopy) ? [record, ...spoilt] : spoilt;
}

function parse(text: string): JsonRecord {
  const parsed: JsonRecord = JSON.parse(text);
  return parsed;
}
