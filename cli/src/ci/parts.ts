import { MeetupError } from '../config/errors.ts';

/** What `ci` checks, in this order. */
export const partNames = [
  'fixtures',
  'scenarios',
  'lint',
  'checks',
  'contracts',
  'build',
  'branch',
  'freshness',
] as const;
export type PartName = (typeof partNames)[number];

/**
 * Parses `--only`: names separated by commas; all parts if it is omitted.
 * @param hasTarget whether there is a target to build a branch on
 * @throws MeetupError for an unknown name.
 */
export function readParts(only: string | undefined, hasTarget = false): readonly PartName[] {
  if (only === undefined) return partNames.filter((part) => part !== 'branch' || hasTarget);
  const given = only
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = given.find((name) => !partNames.some((part) => part === name));
  if (unknown !== undefined || given.length === 0) {
    throw new MeetupError(`--only takes ${partNames.join(', ')}, separated by commas, not '${only}'.`);
  }
  return partNames.filter((part) => given.includes(part));
}
