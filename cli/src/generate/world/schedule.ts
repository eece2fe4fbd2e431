import { amsterdamInstant, DAY, HOUR, weekdayOf } from '../chance/calendar.ts';
import { Random, Weighted } from '../chance/random.ts';
import type { Group } from './groups.ts';
import { inPandemic, season } from './history.ts';
import type { Venue } from './venues.ts';
import { type Cell, DUMPED_AT, Stream } from './world.ts';

/** A change to an event after it was announced. */
export interface Change {
  readonly kind: 'moved' | 'renamed' | 'cancelled';
  /** When the organiser changes it. */
  readonly at: number;
}

/** One meeting as planned by its group. Moments are epoch milliseconds. */
export interface Meeting {
  /** Its sequence number within the group. */
  readonly number: number;
  /** When the event, or the series that it belongs to, was created. */
  readonly createdAt: number;
  readonly startsAt: number;
  /** The start before it was moved. */
  readonly plannedAt: number;
  /** When it first appears in the files. */
  readonly visibleFrom: number;
  /** When people can begin to answer. */
  readonly opensAt: number;
  /** Milliseconds. */
  readonly duration: number;
  /** The series' number within the group; undefined for a single meeting. */
  readonly series: number | undefined;
  /** Undefined if it is online or has no venue yet. */
  readonly venue: Venue | undefined;
  /** The limit as a share of the expected guests; undefined if there is none. */
  readonly room: number | undefined;
  readonly change: Change | undefined;
}

const WEEKDAYS = new Weighted([11, 26, 24, 27, 5, 6, 1]);
/** Starting times in minutes after midnight, with weights. */
const EVENINGS = [
  18 * 60,
  18 * 60 + 30,
  19 * 60,
  17 * 60 + 30,
  19 * 60 + 30,
  20 * 60,
  17 * 60,
  12 * 60,
  16 * 60,
] as const;
const EVENING = new Weighted([27, 27, 22, 8, 6, 3, 3, 2, 2]);
const WEEKEND = [10 * 60, 9 * 60 + 30, 13 * 60, 14 * 60, 11 * 60] as const;
const HOURS_LONG = [2, 3, 2.5, 1.5, 4, 1, 8, 24] as const;
const LENGTH = new Weighted([34, 27, 16, 8, 8, 3, 3, 0.4]);

/** Meetings appear in the files at most this many days before they start. */
const FARTHEST_DAYS = 250;

interface Series {
  readonly number: number;
  readonly createdAt: number;
  readonly minute: number;
  /** Whether each meeting is announced only after the one before it was held. */
  readonly oneAtATime: boolean;
  planned: number;
  left: number;
  /** The start of its latest meeting. */
  lastStartsAt: number;
}

/** Plans the meetings of one group in chronological order, up to those announced by `endsAt`. */
export function planMeetings(cell: Cell, group: Group, venues: readonly Venue[], endsAt: number): Meeting[] {
  const random = new Random(cell.seed, cell.index, Stream.schedule, group.index);
  return new Planner(group, venues, random).plan(endsAt);
}

class Planner {
  private readonly meetings: Meeting[] = [];
  private readonly usedMoments = new Set<number>();
  private readonly weekday: number;
  private readonly minute: number;
  private readonly home: readonly Venue[];
  private series: Series | undefined;
  private seriesCount = 0;

  constructor(
    private readonly group: Group,
    venues: readonly Venue[],
    private readonly random: Random,
  ) {
    this.weekday = WEEKDAYS.draw(random);
    this.minute = this.usualMinute();
    const places = 1 + random.below(4);
    this.home = Array.from(
      { length: venues.length === 0 ? 0 : places },
      () => venues[random.below(venues.length)],
    ).filter((venue) => venue !== undefined);
  }

  plan(endsAt: number): Meeting[] {
    const { group, random } = this;
    let day = Math.floor(group.createdAt / DAY) + 12 + random.below(Math.ceil(group.cadence) + 10);
    let last = 0;
    while (day * DAY < group.endsAt && (day - FARTHEST_DAYS) * DAY < endsAt) {
      // Draw all numbers even if the meeting doesn't take place, so that later meetings don't depend on `endsAt`.
      const on = Math.max(this.nearWeekday(day), last + 1);
      const likely = season(on) * (inPandemic(on) ? 0.45 : 1);
      if (random.chance(likely)) this.add(on);
      last = on;
      day += Math.max(3, Math.round(group.cadence * random.between(0.75, 1.25)));
    }
    return this.meetings.filter((meeting) => meeting.visibleFrom < endsAt);
  }

  private usualMinute(): number {
    const minutes: readonly number[] = this.weekday >= 5 ? WEEKEND : EVENINGS;
    const at = this.weekday >= 5 ? this.random.below(WEEKEND.length) : EVENING.draw(this.random);
    return minutes[at] ?? 18 * 60;
  }

  private nearWeekday(day: number): number {
    const wanted = this.random.chance(0.72) ? this.weekday : WEEKDAYS.draw(this.random);
    return day + ((wanted - weekdayOf(day) + 7) % 7);
  }

  private add(day: number): void {
    const { random, group } = this;
    const recurring = random.chance(group.recurring);
    const minute = random.chance(0.8) ? this.minute : (EVENINGS[EVENING.draw(random)] ?? this.minute);
    const duration = (HOURS_LONG[LENGTH.draw(random)] ?? 2) * HOUR;
    const lead = random.between(9, 42) * DAY;
    const series = recurring ? this.inSeries(day, lead) : undefined;
    const startsAt = amsterdamInstant(day, series?.minute ?? minute);
    const createdAt = series?.createdAt ?? this.moment(startsAt - lead);
    const visibleFrom = series === undefined ? createdAt : shownFrom(series, startsAt);
    if (series !== undefined) series.lastStartsAt = startsAt;
    const change = this.changeOf(visibleFrom, startsAt, series !== undefined);
    this.meetings.push({
      number: this.meetings.length,
      createdAt,
      startsAt,
      plannedAt: change?.kind === 'moved' ? startsAt + random.pick([-14, -7, -7, -1, 1, 7]) * DAY : startsAt,
      visibleFrom,
      opensAt: Math.max(visibleFrom, startsAt - 35 * DAY),
      duration,
      series: series?.number,
      venue: this.place(day),
      room: random.chance(0.38) ? random.between(0.75, 1.9) : undefined,
      change,
    });
  }

  private inSeries(day: number, lead: number): Series {
    if (this.series === undefined || this.series.left === 0) {
      const createdAt = this.moment(amsterdamInstant(day, this.minute) - lead);
      this.series = {
        number: this.seriesCount,
        createdAt,
        minute: this.minute,
        oneAtATime: this.random.chance(0.25),
        planned: 0,
        left: 3 + this.random.below(30),
        lastStartsAt: 0,
      };
      this.seriesCount += 1;
    }
    this.series.left -= 1;
    this.series.planned += 1;
    return this.series;
  }

  /** A time of creation that no other event or series of the group has. */
  private moment(wanted: number): number {
    let moment = Math.round(Math.max(wanted, this.group.createdAt + HOUR) + this.random.between(0, 6 * HOUR));
    while (this.usedMoments.has(moment)) moment += 1;
    this.usedMoments.add(moment);
    return moment;
  }

  private place(day: number): Venue | undefined {
    const drawn = this.random.next();
    const from = this.random.below(Math.max(1, this.home.length));
    if (drawn < (inPandemic(day) ? 0.85 : 0.09)) return undefined;
    const venue = drawn < 0.75 ? this.home[0] : this.home[from];
    return venue !== undefined && venue.since > day * DAY ? undefined : venue;
  }

  private changeOf(visibleFrom: number, startsAt: number, inSeries: boolean): Change | undefined {
    const drawn = this.random.next();
    const at = Math.round(visibleFrom + (startsAt - visibleFrom) * this.random.between(0.1, 0.95));
    if (drawn < 0.045) return { kind: 'cancelled', at };
    if (inSeries) return undefined;
    if (drawn < 0.08) return { kind: 'moved', at };
    return drawn < 0.11 ? { kind: 'renamed', at } : undefined;
  }
}

/**
 * When a meeting of a series first appears. Most series show their first two meetings at once and the others as they come near;
 * some show each meeting only after the one before it was held.
 */
function shownFrom(series: Series, startsAt: number): number {
  if (series.oneAtATime && series.planned > 1) return Math.max(series.createdAt, series.lastStartsAt + DAY);
  return series.planned > 2 ? Math.max(series.createdAt, startsAt - 60 * DAY) : series.createdAt;
}

/** Whether a meeting is over when the dump is written, so that it won't change any more. */
export function isOver(meeting: Meeting): boolean {
  return meeting.startsAt + meeting.duration < DUMPED_AT;
}

/** Nobody answers after this moment. */
export function answersUntil(meeting: Meeting): number {
  return meeting.change?.kind === 'cancelled' ? meeting.change.at : Number.POSITIVE_INFINITY;
}
