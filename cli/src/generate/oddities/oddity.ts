export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };
export type JsonRecord = { [name: string]: JsonValue };

/** One way in which a record of a real file may be strange. */
export interface Oddity {
  readonly name: string;
  /** What is written in the record's place: itself, changed; or more than one record. */
  readonly spoil: (record: JsonRecord) => JsonRecord[];
  /** The record itself stays, and a spoilt copy follows. */
  readonly inCopy?: true;
  /** It breaks the schema, so that `load` rejects the record. */
  readonly breaks?: true;
  /** Cannot be joined with another in one record, where a small data set has no room for one each. */
  readonly alone?: true;
  /** Too large to come more than once. */
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

/** An oddity that breaks the schema. */
export function breaking(name: string, change: (record: JsonRecord) => void): Oddity {
  return { ...changing(name, change), breaks: true };
}

/** As `breaking`, in a copy of a good record, which stays: without it, thousands of others would point nowhere. */
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
 * Most records of an entity that may break the schema at the first go. `load` refuses a file of which more than 1% do, so that
 * a file of fewer records than LEAST_FOR_BROKEN has none.
 */
const MOST_BROKEN = 0.004;
const LEAST_FOR_BROKEN = 220;
const HARMLESS_EVERY = 350;
const BREAKING_EVERY = 1500;

/**
 * Says which records of one entity are odd: each oddity once, early, however small the data set; then again and again, rarely.
 * Breaking ones share a record where there are too few records for one each.
 */
export class OddityPlan {
  private readonly first = new Map<number, Oddity[]>();
  private readonly harmless: readonly Oddity[];
  private readonly broken: readonly Oddity[];
  private readonly firstEnds: number;
  private count = 0;
  private nextHarmless = 0;
  private nextBroken = 0;

  /** `expected` is a number of records that the entity has at least. */
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

  /** What is odd about the next record: mostly nothing. */
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

/** Breaking oddities, in as many records as there is room for. */
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

/** Makes a record odd. The record is given, and comes back, as JSON text; more than one where it is repeated. */
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
