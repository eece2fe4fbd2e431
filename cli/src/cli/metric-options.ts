import { MeetupError } from '../config/errors.ts';

/** The names in `a,b`. */
export const parseNames = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** @throws MeetupError if it is not a number of rows */
export function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new MeetupError(`--limit takes a number of rows, but got '${text}'.`);
  return Number(text);
}

/** @throws MeetupError if an option that needs a metric is used without one */
export function requireMetricName(options: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(options).find((name) => options[name] !== undefined);
  if (given !== undefined) throw new MeetupError(`${given} needs a metric: \`./meetup metrics NAME ${given} …\`.`);
}
