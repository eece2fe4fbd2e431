import { DAY } from '../chance/calendar.ts';
import { Random } from '../chance/random.ts';
import { CITIES } from '../region/cities.ts';
import { NEAR_THEMES, THEMES } from '../region/themes.ts';
import type { Group } from './groups.ts';
import { atWakingHour } from './history.ts';
import type { People } from './people.ts';
import { type Cell, LAST_DAY, Stream } from './world.ts';

/** The members of one group, in order of joining. */
export interface Members {
  readonly people: Int32Array;
  /** Epoch milliseconds. */
  readonly joinedAt: Float64Array;
}

/** Finds members for groups of one cell. Keeps one number per person, so that nobody joins a group twice. */
export class Recruiter {
  private readonly lastGroup: Int32Array;
  private readonly cell: Cell;
  private readonly people: People;

  constructor(cell: Cell, people: People) {
    this.cell = cell;
    this.people = people;
    this.lastGroup = new Int32Array(people.count).fill(-1);
  }

  recruit(group: Group): Members {
    const random = new Random(this.cell.seed, this.cell.index, Stream.members, group.index);
    const found: number[] = [];
    const joined: number[] = [];
    const tries = group.size * 4;
    let wanted = group.size;
    for (let attempt = 0; attempt < tries && wanted > 0; attempt += 1) {
      const person = this.candidate(group, random);
      const moment = this.joins(group, person, random);
      if (moment === undefined || this.lastGroup[person] === group.index) continue;
      this.lastGroup[person] = group.index;
      wanted -= 1;
      if (moment >= LAST_DAY * DAY) continue;
      found.push(person);
      joined.push(moment);
    }
    return inOrder(found, joined);
  }

  /** Most members come from the neighbourhood and the theme; people at the start of a list join many groups. */
  private candidate(group: Group, random: Random): number {
    const area = CITIES[group.city]?.area ?? 0;
    const near = NEAR_THEMES[group.theme] ?? [];
    const from = random.next();
    const eager = random.next();
    const skew = eager * eager;
    let list: Int32Array | undefined;
    if (from < 0.58) list = this.people.byPlace[area * THEMES.length + group.theme];
    else if (from < 0.76) list = this.people.byPlace[area * THEMES.length + (near[random.below(near.length)] ?? 0)];
    else if (from < 0.9) list = this.people.byTheme[group.theme];
    if (list === undefined || list.length === 0) return Math.floor(this.people.count * skew);
    return list[Math.floor(list.length * skew)] ?? 0;
  }

  /** When a person joins a group; undefined if they never do. */
  private joins(group: Group, person: number, random: Random): number | undefined {
    const arrived = (this.people.arrivedOn[person] ?? 0) * DAY;
    const drawn = random.next();
    const spread = random.next();
    const life = group.endsAt - group.createdAt;
    let moment: number;
    if (arrived <= group.createdAt) {
      // People who are already on the site find a group over the years, most of them in its first.
      moment = group.createdAt + life * spread * (0.25 + 0.75 * spread) * drawn;
    } else {
      moment = arrived + (drawn < 0.5 ? 2 * DAY * spread : random.wait(260 * DAY));
    }
    // An inactive group still gains a few members.
    if (moment > group.endsAt + 90 * DAY && random.next() < 0.9) return undefined;
    const awake = Math.round(atWakingHour(moment, random));
    return Math.max(awake, group.createdAt + 60_000 + Math.floor(spread * 3_600_000));
  }
}

/** Sorts people by when they joined. */
function inOrder(found: readonly number[], joined: readonly number[]): Members {
  const order = Int32Array.from(found.keys()).sort(
    (one, other) => (joined[one] ?? 0) - (joined[other] ?? 0) || one - other,
  );
  const people = new Int32Array(order.length);
  const joinedAt = new Float64Array(order.length);
  order.forEach((from, to) => {
    people[to] = found[from] ?? 0;
    joinedAt[to] = joined[from] ?? 0;
  });
  return { people, joinedAt };
}
