import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Event, generated, type Rsvp } from './support/data-set.ts';

describe('daily drops', async () => {
  const data = await generated({ scale: 0.06, seed: 31, days: 6 });
  const { days } = data;
  const series = ({ group_id, created }: Event): string => `${group_id} ${created}`;
  const meeting = (event: Event): string => `${series(event)} ${event.time}`;

  /** Each event of a day, with the latest version of each earlier event of its series. */
  function* news(): Generator<{ day: string; event: Event; before: Event[] }> {
    const known = new Map<string, Map<number, Event>>();
    const learn = (event: Event): void => {
      known.set(series(event), (known.get(series(event)) ?? new Map()).set(event.time, event));
    };
    for (const event of data.sound('events')) learn(event);
    for (const day of days) {
      const events = data.sound('events', day);
      for (const event of events) yield { day, event, before: [...(known.get(series(event))?.values() ?? [])] };
      for (const event of events) learn(event);
    }
  }

  const all = [...news()];
  const same = all.flatMap(({ day, event, before }) =>
    before.filter(({ time }) => time === event.time).map((earlier) => ({ day, event, earlier })),
  );

  it('are folders named after consecutive days', () => {
    expect(days).toEqual(['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04', '2026-11-05', '2026-11-06']);
  });

  it('are small compared with the dump', () => {
    for (const day of days) expect(data.all('events', day).length).toBeLessThan(data.all('events').length / 20);
  });

  it('contain new users, and known users with more memberships than before', () => {
    const known = new Map(data.sound('users').map((user) => [user.user_id, user]));
    let fresh = 0;
    let grown = 0;
    for (const day of days) {
      for (const user of data.sound('users', day)) {
        const before = known.get(user.user_id)?.memberships ?? [];
        const now = new Set((user.memberships ?? []).map(({ group_id }) => group_id));
        if (known.has(user.user_id)) {
          expect(now.size).toBeGreaterThan(0);
          if (now.size > before.length) grown += 1;
        } else fresh += 1;
        known.set(user.user_id, user);
      }
    }
    expect(fresh).toBeGreaterThan(0);
    expect(grown).toBeGreaterThan(0);
  });

  it('contain new events', () => {
    expect(all.some(({ before }) => before.length === 0)).toBe(true);
  });

  it('contain another event of a known series', () => {
    const further = all.filter(
      ({ event, before }) => before.length > 1 && before.every(({ time }) => time !== event.time),
    );
    expect(further.length).toBeGreaterThan(0);
  });

  it('contain the second event of a series after the first was held, without repeating the first', () => {
    const second = all.filter(({ day, event, before }) => {
      const [only] = before;
      return before.length === 1 && only !== undefined && only.time < Date.parse(day) && event.time !== only.time;
    });
    expect(second.length).toBeGreaterThan(0);
  });

  it('move an event: it keeps its creation time and gets another start', () => {
    const moved = all.filter(({ event, before }) => before.length === 1 && before[0]?.time !== event.time);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.some(({ event, before }) => before[0]?.name === event.name)).toBe(true);
  });

  it('rename an event', () => {
    expect(same.some(({ event, earlier }) => event.name !== earlier.name)).toBe(true);
  });

  it('cancel an event', () => {
    expect(same.some(({ event, earlier }) => event.status === 'cancelled' && earlier.status === 'upcoming')).toBe(true);
  });

  it('turn upcoming events into past ones', () => {
    expect(same.some(({ event, earlier }) => event.status === 'past' && earlier.status === 'upcoming')).toBe(true);
  });

  it('repeat a record without any change', () => {
    expect(same.some(({ event, earlier }) => JSON.stringify(event) === JSON.stringify(earlier))).toBe(true);
  });

  it('change answers from yes to no and from no to yes, always at a later time', () => {
    const turns = same.flatMap(({ event, earlier }) => {
      const before = new Map((earlier.rsvps ?? []).map((answer) => [answer.user_id, answer]));
      return (event.rsvps ?? []).flatMap((answer): { from: Rsvp; to: Rsvp }[] => {
        const from = before.get(answer.user_id);
        return from !== undefined && from.response !== answer.response ? [{ from, to: answer }] : [];
      });
    });
    expect(turns.some(({ from, to }) => from.response === 'yes' && to.response === 'no')).toBe(true);
    expect(turns.some(({ from, to }) => from.response === 'no' && to.response === 'yes')).toBe(true);
    for (const { from, to } of turns) expect(to.when).toBeGreaterThan(from.when);
  });

  it('change an answer back and forth', () => {
    const answers = new Map<string, string>();
    for (const day of ['', ...days]) {
      for (const event of data.sound('events', day)) {
        for (const { user_id, response } of event.rsvps ?? []) {
          const key = `${meeting(event)} ${user_id}`;
          const before = answers.get(key) ?? '';
          if (!before.endsWith(response)) answers.set(key, `${before} ${response}`.trim());
        }
      }
    }
    expect([...answers.values()].some((story) => story.includes('yes no yes') || story.includes('no yes no'))).toBe(
      true,
    );
  });

  it('never lose an answer from a later version of an event', () => {
    for (const { event, earlier } of same) {
      const now = new Set((event.rsvps ?? []).map(({ user_id }) => user_id));
      expect((earlier.rsvps ?? []).every(({ user_id }) => now.has(user_id))).toBe(true);
    }
  });

  it('contain nothing that happens after their day', () => {
    for (const day of days) {
      const ends = Date.parse(`${day}T23:00:00Z`);
      const moments = data
        .sound('events', day)
        .flatMap(({ created, rsvps }) => [created, ...(rsvps ?? []).map((one) => one.when)]);
      const joined = data
        .sound('users', day)
        .flatMap(({ memberships }) => (memberships ?? []).map((one) => one.joined));
      expect(Math.max(...moments, ...joined)).toBeLessThan(ends);
    }
  });

  it('have one file with an empty array, and one missing file', () => {
    const without = days.filter((day) => !data.has('venues', day));
    expect(without).toEqual(['2026-11-03']);
    expect(data.text('venues', '2026-11-02')).toBe('[]\n');
  });
});

describe('complete drops', async () => {
  const data = await generated({ scale: 0.06, seed: 31, days: 14 });
  const complete = data.days.filter((day) => existsSync(join(data.folder, day, 'drop.json')));
  const keysOf = {
    groups: (day: string) => data.sound('groups', day).map(({ group_id }) => group_id),
    venues: (day: string) => data.sound('venues', day).map(({ venue_id }) => venue_id),
  };
  const entities = ['groups', 'venues'] as const;

  it('come once a week, and say that they have all groups and venues', () => {
    expect(complete).toEqual(['2026-11-07', '2026-11-14']);
    const manifest: unknown = JSON.parse(readFileSync(join(data.folder, '2026-11-07', 'drop.json'), 'utf8'));
    expect(manifest).toEqual({ complete: ['groups', 'venues'] });
  });

  it.each(entities)('have all %s but a few, which never come back', (entity) => {
    const known = new Set<number>();
    const gone = new Set<number>();
    for (const day of ['', ...data.days].filter((one) => one === '' || data.has(entity, one))) {
      const keys = new Set(keysOf[entity](day));
      expect([...gone].filter((key) => keys.has(key))).toEqual([]);
      if (complete.includes(day)) for (const key of known) if (!keys.has(key)) gone.add(key);
      for (const key of keys) known.add(key);
    }
    expect(gone.size).toBeGreaterThan(0);
    expect(gone.size).toBeLessThan(known.size / 20);
  });

  it('lack groups of which no later drop has an event', () => {
    const [first = ''] = complete;
    const groups = new Set(keysOf.groups(first));
    const gone = new Set(keysOf.groups('').filter((key) => !groups.has(key)));
    const later = data.days.filter((day) => day >= first).flatMap((day) => data.sound('events', day));
    expect(gone.size).toBeGreaterThan(0);
    expect(later.filter(({ group_id }) => gone.has(group_id))).toEqual([]);
  });
});

describe('very small data sets', () => {
  it.each([1, 2, 3, 4])('still contain moved, renamed and cancelled events (seed %i)', async (seed) => {
    const data = await generated({ scale: 0.01, seed, days: 3 });
    const before = new Map(data.sound('events').map((event) => [`${event.group_id} ${event.created}`, event]));
    const later = data.days.flatMap((day) => data.sound('events', day));
    const known = later.filter(({ group_id, created }) => before.has(`${group_id} ${created}`));
    const was = (event: Event): Event | undefined => before.get(`${event.group_id} ${event.created}`);
    expect(known.some((event) => event.time !== was(event)?.time)).toBe(true);
    expect(known.some((event) => event.name !== was(event)?.name)).toBe(true);
    expect(known.some((event) => event.status === 'cancelled')).toBe(true);
  });
});
