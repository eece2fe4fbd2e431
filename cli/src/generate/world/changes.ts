import { DAY, HOUR } from '../chance/calendar.ts';
import { hash } from '../chance/random.ts';
import type { Group } from './groups.ts';
import { type Change, isOver, type Meeting } from './schedule.ts';
import type { Venue } from './venues.ts';
import { type Cell, DUMPED_AT, Stream } from './world.ts';

/** One in this many groups rewrites its page per day. */
const GROUPS_A_DAY = 900;
/** A drop repeats one in this many upcoming events unchanged. */
const REPEATED = 60;
/** The days on which the venues file is empty, and missing; its content comes a day later. */
const DROP_WITH_EMPTY_VENUES = 2;
export const DROP_WITHOUT_VENUES = 3;

/**
 * Changes from one drop to the next, beyond those in the meetings' own plans. Each kind of change is guaranteed to happen once in
 * the first days after the dump, even in a small data set.
 */
export class Changes {
  private readonly cell: Cell;
  private readonly wanted: Change['kind'][];
  private wantsOccurrence: boolean;
  private repeated = 0;

  constructor(cell: Cell) {
    this.cell = cell;
    this.wanted = cell.index === 0 ? ['moved', 'renamed', 'cancelled'] : [];
    this.wantsOccurrence = cell.index === 0;
  }

  /** Whether a group rewrites its page on the day of a drop. */
  changesGroup(group: Group, drop: number): boolean {
    const { seed, index, groups } = this.cell;
    const chosen = index === 0 && hash(seed, Stream.changes, drop) % groups === group.index;
    return chosen || hash(seed, index, Stream.changes, group.index, drop) % GROUPS_A_DAY === 0;
  }

  /** The meeting, with a change if one of the guaranteed changes is still missing. */
  mayChange(meeting: Meeting): Meeting {
    if (isOver(meeting) || meeting.change !== undefined || meeting.startsAt < DUMPED_AT + 4 * DAY) return meeting;
    if (meeting.series !== undefined) return this.mayAppear(meeting);
    const kind = meeting.visibleFrom < DUMPED_AT ? this.wanted.shift() : undefined;
    if (kind === undefined) return meeting;
    const at = DUMPED_AT + (kind === 'cancelled' ? DAY : 0) + 11 * HOUR;
    const plannedAt = kind === 'moved' ? meeting.startsAt + 7 * DAY : meeting.startsAt;
    return { ...meeting, plannedAt, change: { kind, at } };
  }

  /** Makes another meeting of a series in the dump appear on the first day. */
  private mayAppear(meeting: Meeting): Meeting {
    const known = meeting.visibleFrom > meeting.createdAt && meeting.visibleFrom < DUMPED_AT;
    if (!this.wantsOccurrence || !known) return meeting;
    this.wantsOccurrence = false;
    const visibleFrom = DUMPED_AT + 9 * HOUR;
    return { ...meeting, visibleFrom, opensAt: Math.max(visibleFrom, meeting.opensAt) };
  }

  /** Whether a drop repeats an upcoming event that hasn't changed. */
  repeats(group: Group, meeting: Meeting, drop: number, since: number): boolean {
    if (meeting.visibleFrom >= since || meeting.startsAt + meeting.duration < since) return false;
    const drawn = hash(this.cell.seed, this.cell.index, Stream.changes, group.index, meeting.number, drop);
    if (drawn % REPEATED !== 0 && this.repeated > 0) return false;
    this.repeated += 1;
    return true;
  }

  /** Whether a venue without a location gets one on the day of a drop. */
  findsVenue(venue: Venue, drop: number): boolean {
    return venue.isLost && hash(this.cell.seed, this.cell.index, Stream.venue, venue.index, drop) % 40 === 0;
  }

  /** The drop to which a day's venues are written. */
  dropOfVenues(drop: number): number {
    const late = drop === DROP_WITH_EMPTY_VENUES || drop === DROP_WITHOUT_VENUES;
    return late && this.cell.days > DROP_WITHOUT_VENUES ? DROP_WITHOUT_VENUES + 1 : drop;
  }
}
