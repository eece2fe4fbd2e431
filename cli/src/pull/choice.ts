import { MeetupError } from '../config/errors.ts';
import { plural } from '../text/text.ts';

/** Which values of a key are brought: those that are named, or a share of all, chosen by a hash. */
export type Wanted =
  | { readonly kind: 'values'; readonly values: readonly string[] }
  /** Of ten thousand values, how many. */
  | { readonly kind: 'share'; readonly perTenThousand: number };

/** A key as it is given: `group_id`, `orders.id` or `shop.orders.id`. */
export interface Choice {
  readonly key: string;
  readonly wanted: Wanted;
}

/**
 * Parses `--keys group_id=1,2,3`.
 * @throws MeetupError that doesn't repeat a value, because it may be personal.
 */
export function parseKeys(text: string): Choice {
  const { key, value } = split(text, '--keys takes KEY=VALUE,VALUE, such as group_id=1,2');
  const values = [...new Set(value.split(',').map((one) => one.trim()))].filter((one) => one !== '');
  if (values.length === 0) throw new MeetupError('--keys takes KEY=VALUE,VALUE, such as group_id=1,2.');
  return { key, wanted: { kind: 'values', values } };
}

/**
 * Parses `--sample group_id=1%`.
 * @throws MeetupError if it isn't a share of a key's values.
 */
export function parseSample(text: string): Choice {
  const takes = '--sample takes KEY=SHARE, such as group_id=1%';
  const { key, value } = split(text, takes);
  const [, number = '', percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
  const share = number === '' ? Number.NaN : Number(number) / (percent === '%' ? 100 : 1);
  const perTenThousand = Math.round(share * 10_000);
  if (!(perTenThousand >= 1 && perTenThousand <= 10_000)) {
    throw new MeetupError(`${takes}, between 0.01% and 100%.`);
  }
  return { key, wanted: { kind: 'share', perTenThousand } };
}

function split(text: string, takes: string): { key: string; value: string } {
  const at = text.indexOf('=');
  const key = text.slice(0, Math.max(at, 0)).trim();
  const value = text.slice(at + 1).trim();
  if (key === '' || value === '') throw new MeetupError(`${takes}.`);
  return { key, value };
}

/** A choice in a few words, without its values. */
export const wordsOf = ({ key, wanted }: Choice): string =>
  wanted.kind === 'share'
    ? `${wanted.perTenThousand / 100}% of ${key}`
    : `${plural(wanted.values.length, 'value')} of ${key}`;

/**
 * The choice of `--keys` or `--sample`; none if neither is given.
 * @throws MeetupError if both are.
 */
export function chosenFrom({
  keys,
  sample,
}: {
  readonly keys?: string | undefined;
  readonly sample?: string | undefined;
}): Choice | undefined {
  if (keys !== undefined && sample !== undefined)
    throw new MeetupError('--keys and --sample both choose what to pull: give one of them.');
  if (keys !== undefined) return parseKeys(keys);
  return sample === undefined ? undefined : parseSample(sample);
}
