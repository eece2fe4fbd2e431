import { EVENT_ODDITIES } from './oddities/event-oddities.ts';
import { GROUP_ODDITIES } from './oddities/group-oddities.ts';
import { OddityPlan, spoil } from './oddities/oddity.ts';
import { USER_ODDITIES } from './oddities/user-oddities.ts';
import { VENUE_ODDITIES } from './oddities/venue-oddities.ts';
import type { Drops, Entity } from './output/drops.ts';
import { eventRecord, groupRecord, userRecord, venueRecord } from './output/records.ts';
import { AnswerBook } from './world/answers.ts';
import { Changes } from './world/changes.ts';
import { type Group, isDeleted, makeGroups } from './world/groups.ts';
import { type Members, Recruiter } from './world/members.ts';
import { invert, type Memberships } from './world/memberships.ts';
import { hasDeletedAccount, makePeople, type People } from './world/people.ts';
import { answersUntil, isOver, type Meeting, planMeetings } from './world/schedule.ts';
import { eventText } from './world/texts.ts';
import { isCompleteDrop, Vanishing } from './world/vanishing.ts';
import { isDeletedVenue, makeVenues, type Venue } from './world/venues.ts';
import { viewOf } from './world/views.ts';
import { type Cell, DUMPED_AT, writtenAt } from './world/world.ts';

/** Counts of what is nested in the dump's records. */
export interface Totals {
  memberships: number;
  rsvps: number;
}

/** Called from time to time with the finished share of the cell: shows progress, yields to the event loop, and may throw. */
export type Pause = (done: number) => Promise<void>;

/** Roughly the share of time spent on groups and their events, as opposed to people. */
const SHARE_OF_GROUPS = 0.8;

/** Generates one cell of the world and adds its records to the dump and the drops. */
export async function writeCell(cell: Cell, drops: Drops, totals: Totals, pause: Pause): Promise<void> {
  const people = makePeople(cell);
  await pause(0);
  const groups = makeGroups(cell);
  const { venues, inCity } = makeVenues(cell);
  const recruiter = new Recruiter(cell, people);
  const membersOf: Members[] = [];
  const writer = new CellWriter(cell, drops, totals, new AnswerBook(cell, people.count));
  for (const group of groups) {
    const members = recruiter.recruit(group);
    membersOf.push(members);
    if (!isDeleted(group)) writer.group(group);
    writer.meetings(group, members, inCity[group.city] ?? []);
    if (group.index % 50 === 49) await pause((SHARE_OF_GROUPS * group.index) / groups.length);
  }
  for (const venue of venues) if (!isDeletedVenue(venue)) writer.venue(venue);
  const memberships = invert(people.count, membersOf);
  for (let person = 0; person < people.count; person += 1) {
    if (person % 8192 === 8191) await pause(SHARE_OF_GROUPS + (1 - SHARE_OF_GROUPS) * (person / people.count));
    if (!hasDeletedAccount(cell, person)) writer.person(person, people, groups, memberships);
  }
}

/** Writes the records of one cell: each to the dump, and to every drop in which it is new or has changed. */
class CellWriter {
  private readonly cell: Cell;
  private readonly drops: Drops;
  private readonly totals: Totals;
  private readonly book: AnswerBook;
  private readonly changes: Changes;
  private readonly vanishing: Vanishing;
  /** The moments at which the dump and each drop are written. */
  private readonly moments: readonly number[];
  private readonly odd: Readonly<Record<Entity, OddityPlan>>;

  constructor(cell: Cell, drops: Drops, totals: Totals, book: AnswerBook) {
    this.cell = cell;
    this.drops = drops;
    this.totals = totals;
    this.book = book;
    this.changes = new Changes(cell);
    this.vanishing = new Vanishing(cell);
    this.moments = Array.from({ length: cell.days + 1 }, (_, drop) => writtenAt(drop));
    this.odd = {
      groups: new OddityPlan(GROUP_ODDITIES, cell.groups * 0.9),
      users: new OddityPlan(USER_ODDITIES, cell.people * 0.6),
      events: new OddityPlan(EVENT_ODDITIES, cell.groups * 16),
      venues: new OddityPlan(VENUE_ODDITIES, cell.venues * 0.95),
    };
  }

  group(group: Group): void {
    let version = 0;
    const gone = this.vanishing.ofGroup(group);
    this.moments.forEach((moment, drop) => {
      if (group.createdAt >= moment || drop >= gone) return;
      const changed = drop > 0 && this.changes.changesGroup(group, drop);
      if (changed) version += 1;
      if (changed || isCompleteDrop(drop) || this.isFirst(drop, group.createdAt))
        this.add(drop, 'groups', groupRecord(this.cell, group, version));
    });
  }

  meetings(group: Group, members: Members, venues: readonly Venue[]): void {
    const end = this.moments.at(-1) ?? DUMPED_AT;
    for (const planned of planMeetings(this.cell, group, venues, end)) {
      const meeting = this.changes.mayChange(planned);
      if (meeting.visibleFrom >= end) continue;
      this.book.open(group, members, meeting);
      if (isOver(meeting)) this.event(0, group, meeting);
      else this.upcoming(group, meeting);
    }
  }

  private upcoming(group: Group, meeting: Meeting): void {
    const drops = Math.min(this.moments.length, this.vanishing.ofGroup(group));
    for (let drop = 0; drop < drops; drop += 1) {
      if (this.showsOn(drop, group, meeting)) this.event(drop, group, meeting);
    }
  }

  /** Whether a drop includes a meeting, because it is new or changed, or as a repetition. */
  private showsOn(drop: number, group: Group, meeting: Meeting): boolean {
    const to = this.moments[drop] ?? 0;
    if (meeting.visibleFrom >= to) return false;
    if (drop === 0) return true;
    const from = this.moments[drop - 1] ?? 0;
    const turns = [meeting.visibleFrom, meeting.startsAt + meeting.duration, meeting.change?.at ?? 0];
    return (
      turns.some((moment) => moment >= from && moment < to) ||
      this.book.changesBetween(from, Math.min(to, answersUntil(meeting))) ||
      this.changes.repeats(group, meeting, drop, from)
    );
  }

  private event(drop: number, group: Group, meeting: Meeting): void {
    const moment = this.moments[drop] ?? DUMPED_AT;
    const answers = this.book.at(Math.min(moment, answersUntil(meeting)));
    const view = viewOf(group, meeting, eventText(this.cell, group, meeting), moment);
    const record = eventRecord(this.cell, group, view, answers);
    if (drop === 0) this.totals.rsvps += answers.count;
    // Only past meetings get oddities: a later drop may repeat the others, which must then be the same.
    if (isOver(meeting)) this.add(drop, 'events', record);
    else this.drops.add(drop, 'events', record);
  }

  venue(venue: Venue): void {
    let isLocated = !venue.isLost;
    const gone = this.vanishing.ofVenue(venue);
    this.moments.forEach((moment, drop) => {
      if (venue.since >= moment || drop >= gone) return;
      const found = drop > 0 && this.changes.findsVenue(venue, drop);
      isLocated ||= found;
      if (!found && !isCompleteDrop(drop) && !this.isFirst(drop, venue.since)) return;
      this.add(this.changes.dropOfVenues(drop), 'venues', venueRecord(this.cell, venue, isLocated));
    });
  }

  person(person: number, people: People, groups: readonly Group[], memberships: Memberships): void {
    const from = memberships.start[person] ?? 0;
    const to = memberships.start[person + 1] ?? 0;
    let drop = -1;
    for (let i = from; i < to; i += 1) {
      const at = memberships.joinedAt[i] ?? 0;
      if (at < DUMPED_AT) this.totals.memberships += 1;
      const on = this.dropAfter(at, Math.max(0, drop));
      if (on === drop || on > this.cell.days) continue;
      drop = on;
      const until = this.moments[on] ?? 0;
      this.add(on, 'users', userRecord(this.cell, person, people.city[person] ?? 0, memberships, groups, until));
    }
  }

  /** The first drop, starting from `least`, that is written after a moment. */
  private dropAfter(moment: number, least: number): number {
    let drop = least;
    while (drop <= this.cell.days && moment >= (this.moments[drop] ?? 0)) drop += 1;
    return drop;
  }

  private isFirst(drop: number, since: number): boolean {
    return drop === 0 || since >= (this.moments[drop - 1] ?? 0);
  }

  private add(drop: number, entity: Entity, record: string): void {
    // Drops are so small that a single invalid record would exceed load's limit.
    const oddities = drop === 0 ? this.odd[entity].next() : [];
    for (const text of spoil(record, oddities)) this.drops.add(drop, entity, text);
  }
}
