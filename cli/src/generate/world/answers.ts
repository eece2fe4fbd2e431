import { DAY, HOUR, MINUTE } from '../chance/calendar.ts';
import { power } from '../chance/exact-math.ts';
import { hash, hashPair, Random } from '../chance/random.ts';
import type { Group } from './groups.ts';
import { atWakingHour, inPandemic, season } from './history.ts';
import type { Members } from './members.ts';
import type { Meeting } from './schedule.ts';
import { type Cell, Stream } from './world.ts';

const MOST_ANSWERING = 1500;
/** Everybody changes their answer at most twice: yes, no, yes again. */
const MOST_CHANGES = 3 * MOST_ANSWERING;
const PACK = 8192;

export const Response = { none: 0, yes: 1, no: 2, waitlist: 3 } as const;

/** The answers to one event as of some moment. Entries up to `count`, in order of the first answer. */
export interface Answers {
  readonly count: number;
  readonly limit: number | undefined;
  readonly person: Int32Array;
  readonly when: Float64Array;
  readonly response: Uint8Array;
  readonly guests: Uint8Array;
  /** 32 random bits per answer, the same at every moment. */
  readonly flavour: Uint32Array;
}

/**
 * Who answers an event, when and how, and the outcome with a limit and a waitlist. All arrays are reused for the next event.
 */
export class AnswerBook {
  private readonly lastEvent: Int32Array;
  private eventCount = 0;
  private groupIndex = 0;
  private count = 0;
  private limit: number | undefined;
  private readonly person = new Int32Array(MOST_ANSWERING);
  private readonly guestsOf = new Uint8Array(MOST_ANSWERING);
  private readonly flavour = new Uint32Array(MOST_ANSWERING);
  private changes = 0;
  private readonly changeAt = new Float64Array(MOST_CHANGES);
  private readonly changeSlot = new Int16Array(MOST_CHANGES);
  private readonly changeTo = new Uint8Array(MOST_CHANGES);
  private readonly order = new Float64Array(MOST_CHANGES);
  // The state as of a moment:
  private readonly state = new Uint8Array(MOST_ANSWERING);
  private readonly stateAt = new Float64Array(MOST_ANSWERING);
  private readonly seen = new Int32Array(MOST_ANSWERING);
  private readonly queue = new Int32Array(MOST_CHANGES);
  private readonly out: {
    person: Int32Array;
    when: Float64Array;
    response: Uint8Array;
    guests: Uint8Array;
    flavour: Uint32Array;
  } = {
    person: new Int32Array(MOST_ANSWERING),
    when: new Float64Array(MOST_ANSWERING),
    response: new Uint8Array(MOST_ANSWERING),
    guests: new Uint8Array(MOST_ANSWERING),
    flavour: new Uint32Array(MOST_ANSWERING),
  };

  constructor(
    private readonly cell: Cell,
    private readonly peopleCount: number,
  ) {
    this.lastEvent = new Int32Array(peopleCount);
  }

  /** Draws all answers to a meeting over its whole lifetime. */
  open(group: Group, members: Members, meeting: Meeting): void {
    const random = new Random(this.cell.seed, this.cell.index, Stream.rsvps, group.index, meeting.number);
    this.eventCount += 1;
    this.groupIndex = group.index;
    this.count = 0;
    this.changes = 0;
    const reachable = joinedBefore(members, meeting.startsAt - 2 * HOUR);
    const expected = this.expected(group, meeting, reachable, random);
    this.limit = limitOf(meeting, expected);
    const wanted = Math.min(MOST_ANSWERING, reachable, Math.round(expected));
    for (let tries = wanted * 6; tries > 0 && this.count < wanted; tries -= 1) {
      const at = pickMember(members, reachable, random);
      if (at < 0) continue;
      const stranger = random.chance(0.003);
      const person = stranger ? random.below(this.peopleCount) : (members.people[at] ?? 0);
      if (this.lastEvent[person] === this.eventCount) continue;
      this.lastEvent[person] = this.eventCount;
      this.answer(person, stranger ? 0 : (members.joinedAt[at] ?? 0), meeting, random);
    }
    this.sortChanges(meeting.opensAt);
  }

  /** The answers given before a moment. Valid until the next call. */
  at(moment: number): Answers {
    const { state, stateAt, queue, guestsOf, seen } = this;
    state.fill(Response.none, 0, this.count);
    const limit = this.limit ?? Number.POSITIVE_INFINITY;
    let taken = 0;
    let waiting = 0;
    let served = 0;
    let shown = 0;
    for (let i = 0; i < this.changes; i += 1) {
      const change = (this.order[i] ?? 0) % PACK;
      const when = this.changeAt[change] ?? 0;
      if (when >= moment) break;
      const slot = this.changeSlot[change] ?? 0;
      const before = state[slot];
      const seats = 1 + (guestsOf[slot] ?? 0);
      if (before === Response.none) {
        seen[shown] = slot;
        shown += 1;
      }
      stateAt[slot] = when;
      if (this.changeTo[change] === Response.yes) {
        if (taken + seats <= limit) {
          state[slot] = Response.yes;
          taken += seats;
        } else {
          state[slot] = Response.waitlist;
          queue[waiting] = slot;
          waiting += 1;
        }
        continue;
      }
      state[slot] = Response.no;
      if (before === Response.yes) taken -= seats;
      // The seat goes to the one who has waited longest.
      for (; served < waiting; served += 1) {
        const next = queue[served] ?? 0;
        if (state[next] !== Response.waitlist) continue;
        const needed = 1 + (guestsOf[next] ?? 0);
        if (taken + needed > limit) break;
        state[next] = Response.yes;
        stateAt[next] = when;
        taken += needed;
      }
    }
    return this.show(shown);
  }

  /** Whether anybody answers or changes an answer in [from, to). */
  changesBetween(from: number, to: number): boolean {
    for (let i = 0; i < this.changes; i += 1) {
      const when = this.changeAt[i] ?? 0;
      if (when >= from && when < to) return true;
    }
    return false;
  }

  private show(shown: number): Answers {
    const { out } = this;
    for (let i = 0; i < shown; i += 1) {
      const slot = this.seen[i] ?? 0;
      out.person[i] = this.person[slot] ?? 0;
      out.when[i] = this.stateAt[slot] ?? 0;
      out.response[i] = this.state[slot] ?? 0;
      out.guests[i] = this.guestsOf[slot] ?? 0;
      out.flavour[i] = this.flavour[slot] ?? 0;
    }
    return { count: shown, limit: this.limit, ...out };
  }

  /**
   * The expected number of answers: grows less than proportionally with members, rises with a good speaker, falls as a group
   * ages.
   */
  private expected(group: Group, meeting: Meeting, reachable: number, random: Random): number {
    const appeal = new Random(this.cell.seed, this.cell.index, Stream.group, group.index, 1).skewed(0.35);
    const day = Math.floor(meeting.startsAt / DAY);
    const years = (meeting.startsAt - group.createdAt) / (365 * DAY);
    const often = group.cadence < 12 ? 0.4 : group.cadence < 20 ? 0.7 : 1;
    const online = inPandemic(day) ? 0.8 : 1;
    const talk = random.skewed(0.45);
    return (
      0.72 *
      power(Math.max(1, reachable), 0.7) *
      appeal *
      talk *
      often *
      online *
      (0.6 + 0.4 * season(day)) *
      (6 / (6 + years))
    );
  }

  private answer(person: number, joinedAt: number, meeting: Meeting, random: Random): void {
    const slot = this.count;
    this.count += 1;
    this.person[slot] = person;
    this.flavour[slot] = hash(person, meeting.number, this.groupIndex);
    this.guestsOf[slot] = guests(random.next());
    const first = this.firstAnswer(joinedAt, meeting, random);
    const mood = random.next();
    const turn = random.next();
    const comes = mood >= 0.17;
    this.change(slot, first, comes ? Response.yes : Response.no);
    // Some change their minds, most of them shortly before the event, and a few change them back.
    if (turn > 0.16) return;
    const second = first + (meeting.startsAt - first) * (1 - random.next() * random.next());
    this.change(slot, Math.floor(second), comes ? Response.no : Response.yes);
    if (turn < 0.025) {
      const third = second + (meeting.startsAt - second) * random.next();
      this.change(slot, Math.floor(third), comes ? Response.yes : Response.no);
    }
  }

  private firstAnswer(joinedAt: number, meeting: Meeting, random: Random): number {
    const span = meeting.startsAt - meeting.opensAt;
    const early = random.chance(0.45);
    const drawn = random.next();
    const share = early ? drawn * drawn * drawn * 0.8 : 1 - drawn * drawn * 0.7;
    const awake = atWakingHour(meeting.opensAt + span * share, random);
    const earliest = Math.max(meeting.opensAt, joinedAt) + 20_000;
    const latest = meeting.startsAt - 5 * MINUTE;
    if (awake >= earliest && awake <= latest) return Math.floor(awake);
    return Math.floor(earliest + Math.max(0, latest - earliest) * share * random.next());
  }

  private change(slot: number, when: number, to: number): void {
    const at = this.changes;
    this.changes += 1;
    this.changeAt[at] = when;
    this.changeSlot[at] = slot;
    this.changeTo[at] = to;
  }

  /** Sorts by moment, then by order of the first answer: both packed into one number, which sorts fastest. */
  private sortChanges(opensAt: number): void {
    for (let i = 0; i < this.changes; i += 1) this.order[i] = ((this.changeAt[i] ?? 0) - opensAt) * PACK + i;
    this.order.subarray(0, this.changes).sort();
  }
}

/** Picks a regular, a newcomer, or sometimes anybody: a member's index, or -1 if the one picked isn't interested. */
function pickMember(members: Members, reachable: number, random: Random): number {
  const drawn = random.next();
  const position = random.next();
  const newest = random.chance(0.6);
  const at = Math.floor(newest ? reachable * (1 - position * position) : reachable * position);
  const member = Math.min(at, reachable - 1);
  const keen = (hashPair(members.people[member] ?? 0, member) % 1000) / 1000;
  // Cubed, so that a tenth of the members give half of the answers.
  return drawn < keen * keen * keen * (newest ? 1 : 1.3) ? member : -1;
}

function joinedBefore(members: Members, moment: number): number {
  let low = 0;
  let high = members.joinedAt.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((members.joinedAt[middle] ?? 0) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function limitOf(meeting: Meeting, expected: number): number | undefined {
  if (meeting.room === undefined) return undefined;
  const wished = Math.max(8, Math.round((expected * 0.8 * meeting.room) / 5) * 5);
  return meeting.venue === undefined ? wished : Math.min(wished, Math.max(10, meeting.venue.capacity));
}

function guests(drawn: number): number {
  if (drawn < 0.93) return 0;
  if (drawn < 0.982) return 1;
  if (drawn < 0.995) return 2;
  return 3 + Math.floor((drawn - 0.995) * 800);
}
