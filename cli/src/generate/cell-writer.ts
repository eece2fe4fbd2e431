import { hash } from './chance/random.ts';
import type { Drops } from './output/drops.ts';
import { type EventView, eventRecord, groupRecord, userRecord, venueRecord } from './output/records.ts';
import { AnswerBook } from './world/answers.ts';
import { type Group, makeGroups } from './world/groups.ts';
import { type Members, Recruiter } from './world/members.ts';
import { invert } from './world/memberships.ts';
import { makePeople, type People } from './world/people.ts';
import { isOver, type Meeting, planMeetings } from './world/schedule.ts';
import { eventText } from './world/texts.ts';
import { makeVenues, type Venue } from './world/venues.ts';
import { type Cell, DUMPED_AT, Stream, writtenAt } from './world/world.ts';

export interface Totals {
  memberships: number;
  rsvps: number;
}

/** Makes one cell of the world and adds its records to the dump and the drops; pauses now and then to let others work. */
export async function writeCell(cell: Cell, drops: Drops, totals: Totals, pause: () => Promise<void>): Promise<void> {
  const people = makePeople(cell);
  await pause();
  const groups = makeGroups(cell);
  const { venues, inCity } = makeVenues(cell);
  const recruiter = new Recruiter(cell, people);
  const membersOf: Members[] = [];
  const writer = new CellWriter(cell, drops, totals, new AnswerBook(cell, people.count));
  for (const group of groups) {
    const members = recruiter.recruit(group);
    membersOf.push(members);
    writer.group(group);
    writer.meetings(group, members, inCity[group.city] ?? []);
    if (group.index % 50 === 49) await pause();
  }
  for (const venue of venues) writer.venue(venue);
  await writer.people(people, groups, membersOf, pause);
}

class CellWriter {
  /** The moments at which the dump and each drop are written. */
  private readonly moments: readonly number[];

  constructor(
    private readonly cell: Cell,
    private readonly drops: Drops,
    private readonly totals: Totals,
    private readonly book: AnswerBook,
  ) {
    this.moments = Array.from({ length: cell.days + 1 }, (_, drop) => writtenAt(drop));
  }

  group(group: Group): void {
    if (isLost(group)) return;
    let version = 0;
    this.moments.forEach((moment, drop) => {
      const changed = drop > 0 && this.changesOn(drop, group);
      if (changed) version += 1;
      const isNew = group.createdAt < moment && (drop === 0 || group.createdAt >= (this.moments[drop - 1] ?? 0));
      if (isNew || (changed && group.createdAt < moment))
        this.drops.add(drop, 'groups', groupRecord(this.cell, group, version));
    });
  }

  private changesOn(drop: number, group: Group): boolean {
    const { seed, index, groups } = this.cell;
    return (
      hash(seed, index, Stream.changes, group.index, drop) % 1000 === 0 ||
      (index === 0 && hash(seed, Stream.changes, drop) % groups === group.index)
    );
  }

  meetings(group: Group, members: Members, venues: readonly Venue[]): void {
    const end = this.moments[this.moments.length - 1] ?? DUMPED_AT;
    for (const meeting of planMeetings(this.cell, group, venues, end)) {
      this.book.open(group, members, meeting);
      if (isOver(meeting)) this.writeEvent(0, group, meeting, DUMPED_AT);
      else
        this.moments.forEach((moment, drop) => {
          if (this.showsOn(drop, meeting)) this.writeEvent(drop, group, meeting, moment);
        });
    }
  }

  /** Whether a drop has something new to say of a meeting. */
  private showsOn(drop: number, meeting: Meeting): boolean {
    const to = this.moments[drop] ?? 0;
    if (meeting.visibleFrom >= to) return false;
    if (drop === 0) return true;
    const from = this.moments[drop - 1] ?? 0;
    const within = (moment: number | undefined): boolean => moment !== undefined && moment >= from && moment < to;
    return (
      within(meeting.visibleFrom) ||
      within(meeting.change?.at) ||
      within(meeting.startsAt + meeting.duration) ||
      this.book.changesBetween(from, Math.min(to, cancelledAt(meeting)))
    );
  }

  private writeEvent(drop: number, group: Group, meeting: Meeting, moment: number): void {
    const answers = this.book.at(Math.min(moment, cancelledAt(meeting)));
    if (drop === 0) this.totals.rsvps += answers.count;
    this.drops.add(drop, 'events', eventRecord(this.cell, group, this.view(group, meeting, moment), answers));
  }

  private view(group: Group, meeting: Meeting, moment: number): EventView {
    const text = eventText(this.cell, group, meeting);
    const { change } = meeting;
    const changed = change !== undefined && change.at < moment;
    const startsAt = change?.kind === 'moved' && !changed ? meeting.plannedAt : meeting.startsAt;
    const name = change?.kind === 'renamed' && !changed ? `${group.name}: speakers to be announced` : text.name;
    const over = startsAt + meeting.duration < moment;
    const status = change?.kind === 'cancelled' && changed ? 'cancelled' : over ? 'past' : 'upcoming';
    return { meeting, name, startsAt, status, text };
  }

  venue(venue: Venue): void {
    if (venue.index % 250 === 1) return;
    const lost = venue.index % 40 === 3;
    this.moments.forEach((moment, drop) => {
      const isNew = venue.since < moment && (drop === 0 || venue.since >= (this.moments[drop - 1] ?? 0));
      const found = drop > 0 && lost && hash(this.cell.seed, Stream.venue, venue.index, drop) % 30 === 0;
      if (isNew || found) this.drops.add(drop, 'venues', venueRecord(this.cell, venue, !lost || found));
    });
  }

  async people(
    people: People,
    groups: readonly Group[],
    membersOf: readonly Members[],
    pause: () => Promise<void>,
  ): Promise<void> {
    const memberships = invert(people.count, membersOf);
    for (let person = 0; person < people.count; person += 1) {
      if (person % 8192 === 8191) await pause();
      if (hash(this.cell.seed, this.cell.index, person) % 200 === 0) continue;
      const from = memberships.start[person] ?? 0;
      const to = memberships.start[person + 1] ?? 0;
      const write = (drop: number, moment: number): void => {
        const record = userRecord(this.cell, person, people.city[person] ?? 0, memberships, groups, moment);
        if (record !== undefined) this.drops.add(drop, 'users', record);
      };
      write(0, DUMPED_AT);
      let drop = 0;
      let written = 0;
      for (let i = from; i < to; i += 1) {
        const at = memberships.joinedAt[i] ?? 0;
        if (at < DUMPED_AT) {
          this.totals.memberships += 1;
          continue;
        }
        while (drop <= this.cell.days && at >= (this.moments[drop] ?? 0)) drop += 1;
        if (drop > this.cell.days) break;
        if (drop === written) continue;
        written = drop;
        write(drop, this.moments[drop] ?? 0);
      }
    }
  }
}

function cancelledAt(meeting: Meeting): number {
  return meeting.change?.kind === 'cancelled' ? meeting.change.at : Number.POSITIVE_INFINITY;
}

/** Groups that were deleted: others point to them, but no file has them. */
function isLost(group: Group): boolean {
  return group.index % 500 === 2;
}
