import type { Members } from './members.ts';

/** The groups of each person in a cell: those of person p are at [start[p], start[p + 1]), in order of joining. */
export interface Memberships {
  readonly start: Int32Array;
  readonly group: Int32Array;
  readonly joinedAt: Float64Array;
}

/** Turns the members of each group into the groups of each member. */
export function invert(peopleCount: number, membersOf: readonly Members[]): Memberships {
  const start = new Int32Array(peopleCount + 1);
  for (const { people } of membersOf) {
    for (const person of people) start[person + 1] = (start[person + 1] ?? 0) + 1;
  }
  for (let person = 0; person < peopleCount; person += 1) {
    start[person + 1] = (start[person + 1] ?? 0) + (start[person] ?? 0);
  }
  const total = start[peopleCount] ?? 0;
  const group = new Int32Array(total);
  const joinedAt = new Float64Array(total);
  const filled = start.slice();
  membersOf.forEach(({ people, joinedAt: joined }, index) => {
    for (let i = 0; i < people.length; i += 1) {
      const person = people[i] ?? 0;
      insert(group, joinedAt, start[person] ?? 0, filled[person] ?? 0, index, joined[i] ?? 0);
      filled[person] = (filled[person] ?? 0) + 1;
    }
  });
  return { start, group, joinedAt };
}

/** Insertion into a short sorted run, because most people are in only a few groups. */
function insert(
  group: Int32Array,
  joinedAt: Float64Array,
  from: number,
  to: number,
  index: number,
  joined: number,
): void {
  let at = to;
  while (at > from && (joinedAt[at - 1] ?? 0) > joined) {
    joinedAt[at] = joinedAt[at - 1] ?? 0;
    group[at] = group[at - 1] ?? 0;
    at -= 1;
  }
  joinedAt[at] = joined;
  group[at] = index;
}
