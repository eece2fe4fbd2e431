import { plural } from '../text/text.ts';
import type { Receipt } from './receipts.ts';

/** A receipt, or what is about to be removed, as text without any value. */
export function receiptText(receipt: Receipt): string {
  const { tombstone, version, finishedAt, files, tables, fixtures, notSearched, landedOn, cleared } = receipt;
  const isDone = finishedAt !== null;
  const what = `one of ${tombstone.entity}, by ${tombstone.key.join(', ')}${isDone ? ` (tombstone ${tombstone.hash.slice(0, 16)}…)` : ''}`;
  const left = fixtures.filter(({ rewritten }) => !rewritten);
  const changed = fixtures.filter(({ rewritten }) => rewritten);
  return [
    isDone ? `Forgotten: ${what}, at ${finishedAt} with meetup ${version}.` : `To forget: ${what}.`,
    ...section(
      'Data files, written anew',
      'Data files that will be written anew',
      isDone,
      files.map((one) => `${one.file}: ${counts(one, 'record')}`),
    ),
    ...section(
      'Tables',
      'Tables that will lose rows',
      isDone,
      tables.map((one) => `${one.table}: ${counts(one, 'row')}`),
    ),
    ...(files.length + tables.length > 0
      ? []
      : [`Neither the data files nor the tables ${isDone ? 'held' : 'hold'} it.`]),
    ...section(
      'Fixtures and scenarios in which an invented value replaced it',
      'Fixtures and scenarios in which an invented value will replace it (not with --no-fixtures)',
      isDone,
      changed.map(lineOf),
    ),
    ...(changed.length === 0
      ? []
      : [
          isDone
            ? 'Look at `git diff`, run `./meetup test --only fixtures`, and commit them. Git keeps the earlier versions in its history.'
            : 'Most values in fixtures are invented and equal by coincidence. Git keeps the earlier versions in its history.',
        ]),
    ...(left.length === 0
      ? []
      : [
          'Fixtures and scenarios with the same value, which were left as they are:',
          ...left.map((one) => `  ${lineOf(one)}`),
        ]),
    ...(notSearched.length === 0 ? [] : [`Not searched, because they are no data files: ${notSearched.join(', ')}.`]),
    ...(cleared.length === 0 ? [] : [`Removed from the state folder: ${cleared.join(', ')}.`]),
    ...(landedOn.length === 0
      ? []
      : [
          `On ${landedOn.join(' and ')}, files land in a volume: neither they nor what was loaded from them is changed, so remove it there by hand (docs/privacy.md).`,
        ]),
    isDone
      ? 'The models were built again from what is left. A later drop that holds it is loaded without it. Each target follows with its next deployment.'
      : 'The models will be built again from what is left. It cannot be undone.',
  ].join('\n');
}

function section(done: string, planned: string, isDone: boolean, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${isDone ? done : planned}:`, ...lines.map((line) => `  ${line}`)];
}

const counts = ({ removed, changed }: { removed: number; changed: number }, noun: string): string =>
  [
    ...(removed > 0 ? [`${plural(removed, noun)} removed`] : []),
    ...(changed > 0 ? [`something taken out of ${plural(changed, noun)}`] : []),
  ].join(', ');

const lineOf = ({ file, lines }: Receipt['fixtures'][number]): string =>
  `${file}: line ${lines.slice(0, 10).join(', ')}${lines.length > 10 ? ', …' : ''}`;
