import type { ColumnType } from '../../ingest/contract/column-types.ts';
import { inexactNumbers } from '../../ingest/contract/exact-numbers.ts';
import { plural } from '../../text/text.ts';

interface Valid {
  readonly text: string;
}

/** A column that takes any number. */
const ANY: ColumnType = { kind: 'json' };

/**
 * What helps records that are valid against the schema and yet rejected, because a number in them can't be stored exactly. No
 * keyword of JSON Schema says so, so there is no change to propose.
 * @param records those records.
 * @param type the columns of the entity.
 * @returns a sentence for each place with such numbers.
 */
export function adviceOnNumbers(records: readonly Valid[], type: ColumnType): string[] {
  const never = new Map<string, number>();
  const asNumber = new Map<string, number>();
  for (const { text } of records) {
    const inexact = placesOf(inexactNumbers(text, ANY));
    for (const place of placesOf(inexactNumbers(text, type))) {
      const counts = inexact.has(place) ? never : asNumber;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  return [
    ...sentences(
      never,
      'no schema admits a number that loses digits: have it sent as text and give it the type string, or remove it from the schema, so that it is not stored',
    ),
    ...sentences(asNumber, 'the type number instead of integer admits it'),
  ];
}

/** Places with `*` for positions in lists, each once. */
const placesOf = (pointers: readonly string[]): Set<string> =>
  new Set(pointers.map((pointer) => pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*')));

const sentences = (counts: ReadonlyMap<string, number>, remedy: string): string[] =>
  [...counts].map(
    ([place, records]) =>
      `${plural(records, 'record')} ${records === 1 ? 'has' : 'have'} a number in ${place} that is too large to be stored exactly: ${remedy}.`,
  );
