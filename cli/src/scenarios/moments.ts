import { createHash } from 'node:crypto';
import { MeetupError } from '../config/errors.ts';

/** A timestamp with its zone: without one its meaning would depend on the machine. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

const TAGGED = /\{\s*"\$ms"\s*:\s*"([^"]*)"\s*\}/g;

/**
 * Writes epoch milliseconds for each `{"$ms": "2026-01-05T19:30:00+01:00"}` in a scenario's JSON. Nothing else of the text
 * changes, so that broken files stay as broken as they are.
 * @throws MeetupError for a moment that can't be read or has no zone.
 */
export function withMoments(text: string, file: string): string {
  return text.replaceAll(TAGGED, (_tag, moment: string) => String(epochMs(moment, file)));
}

/** Epoch milliseconds of an ISO 8601 moment with a zone. */
export function epochMs(moment: string, where: string): number {
  const ms = MOMENT.test(moment) ? Date.parse(moment) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new MeetupError(
      `${where}: '${moment}' is not a timestamp with a time zone: write it as 2026-01-05T18:30:00Z or 2026-01-05T19:30:00+01:00.`,
    );
  }
  return ms;
}

/**
 * The surrogate key of its parts: the MD5 of their texts, with a separator in between. A timestamp counts as its epoch milliseconds.
 */
export function keyOf(parts: readonly (string | number)[], separator: string, where: string): string {
  const texts = parts.map((part) => (typeof part === 'string' && MOMENT.test(part) ? epochMs(part, where) : part));
  return createHash('md5').update(texts.join(separator)).digest('hex');
}
