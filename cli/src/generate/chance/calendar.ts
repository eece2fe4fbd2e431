export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** Days since 1970-01-01 of a date in the Gregorian calendar; `month` counts from 1. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY;
}

export interface CivilDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

export function civilDate(day: number): CivilDate {
  const date = new Date(day * DAY);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 0 is Monday, 6 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** `2026-11-01`. */
export function isoDate(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

/** Amsterdam's offset from UTC in milliseconds: two hours from the last Sunday of March until that of October, 01:00 UTC. */
export function amsterdamOffset(instant: number): number {
  const { year } = civilDate(Math.floor(instant / DAY));
  const begins = lastSunday(year, 3) * DAY + HOUR;
  const ends = lastSunday(year, 10) * DAY + HOUR;
  return instant >= begins && instant < ends ? 2 * HOUR : HOUR;
}

function lastSunday(year: number, month: number): number {
  const lastDay = dayNumber(year, month, 31);
  return lastDay - ((weekdayOf(lastDay) + 1) % 7);
}

/** The instant at which clocks in Amsterdam show the given minutes after midnight. */
export function amsterdamInstant(day: number, minutes: number): number {
  const asIfUtc = day * DAY + minutes * MINUTE;
  return asIfUtc - amsterdamOffset(asIfUtc - HOUR);
}
