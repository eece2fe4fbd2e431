import { describe, expect, it } from 'vitest';
import { generated } from './support/data-set.ts';

/** A timestamp in Amsterdam's local time: weekday from 1 (Monday), hour, month, year. */
function local(moment: number): { weekday: number; hour: number; month: number; year: number } {
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Amsterdam',
      weekday: 'short',
      hour: 'numeric',
      hourCycle: 'h23',
      month: 'numeric',
      year: 'numeric',
    })
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  const weekday = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts.get('weekday') ?? '') + 1;
  return {
    weekday,
    hour: Number(parts.get('hour')),
    month: Number(parts.get('month')),
    year: Number(parts.get('year')),
  };
}

function share<T>(items: readonly T[], which: (item: T) => boolean): number {
  return items.filter(which).length / items.length;
}

describe('realistic data', async () => {
  const data = await generated({ scale: 0.13, seed: 21 });
  const groups = data.sound('groups');
  const events = data.sound('events');
  const starts = events.map(({ time }) => local(time));
  const membersOf = new Map<number, Set<number>>();
  for (const { user_id, memberships } of data.sound('users')) {
    for (const { group_id } of memberships ?? [])
      membersOf.set(group_id, (membersOf.get(group_id) ?? new Set()).add(user_id));
  }
  const sizes = [...membersOf.values()].map((members) => members.size).sort((one, other) => other - one);

  it('has a few huge groups and many small ones', () => {
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const top = sizes.slice(0, Math.ceil(sizes.length / 10)).reduce((sum, size) => sum + size, 0);
    expect(top / all).toBeGreaterThan(0.4);
    expect((sizes[0] ?? 0) / (sizes[sizes.length >> 1] ?? 1)).toBeGreaterThan(10);
    // Group sizes follow a power law: rank 10 is about five times as large as rank 60.
    const slope = Math.log((sizes[9] ?? 1) / (sizes[59] ?? 1)) / Math.log(60 / 10);
    expect(slope).toBeGreaterThan(0.5);
    expect(slope).toBeLessThan(1.4);
  });

  it('has few events in summer and around Christmas', () => {
    const inMonth = (month: number): number => starts.filter((start) => start.month === month).length;
    expect(inMonth(8)).toBeLessThan(inMonth(10) * 0.55);
    expect(inMonth(12)).toBeLessThan(inMonth(11) * 0.6);
  });

  it('has most events from Tuesday to Thursday in the evening, local time, in summer and in winter', () => {
    expect(share(starts, ({ weekday }) => weekday >= 2 && weekday <= 4)).toBeGreaterThan(0.6);
    expect(share(starts, ({ weekday }) => weekday === 7)).toBeLessThan(0.04);
    for (const season of [
      [1, 2, 12],
      [5, 6, 7],
    ]) {
      const then = starts.filter(({ month }) => season.includes(month));
      expect(share(then, ({ hour }) => hour >= 17 && hour <= 20)).toBeGreaterThan(0.75);
    }
  });

  it('has few events during the pandemic, and more again afterwards', () => {
    const inYear = (year: number): number => starts.filter((start) => start.year === year).length;
    expect(inYear(2019)).toBeGreaterThan(inYear(2012) * 3);
    expect(inYear(2020)).toBeLessThan(inYear(2019) * 0.75);
    expect(inYear(2023)).toBeGreaterThan(inYear(2021));
  });

  it('has groups that are founded and groups that become inactive', () => {
    const last = new Map<number, number>();
    for (const { group_id, time, status } of events) {
      if (status === 'past') last.set(group_id, Math.max(time, last.get(group_id) ?? 0));
    }
    const met = groups.filter(({ group_id }) => last.has(group_id));
    const asleep = share(met, ({ group_id }) => (last.get(group_id) ?? 0) < Date.UTC(2025, 10));
    expect(asleep).toBeGreaterThan(0.35);
    expect(asleep).toBeLessThan(0.8);
    expect(new Set(groups.map(({ created }) => local(created).year)).size).toBeGreaterThan(12);
  });

  it('has recurring series: one name, description and creation time, and many starts', () => {
    const series = new Map<string, typeof events>();
    for (const event of events) {
      const key = `${event.group_id} ${event.created}`;
      series.set(key, [...(series.get(key) ?? []), event]);
    }
    const recurring = [...series.values()].filter((run) => new Set(run.map(({ time }) => time)).size > 2);
    expect(recurring.flat().length / events.length).toBeGreaterThan(0.15);
    const uniform = recurring.filter((run) => {
      // An odd record within a series may have no description, or another name.
      const [names, texts] = [
        new Set(run.map(({ name }) => name)),
        new Set(run.map(({ description }) => description ?? '')),
      ];
      return names.size === 1 && texts.size === 1;
    });
    expect(uniform.length / recurring.length).toBeGreaterThan(0.9);
  });

  it('has groups that share members if they have the same city and topic', () => {
    const known = groups.filter(
      ({ group_id, city, topics }) => city && topics?.[0] && (membersOf.get(group_id)?.size ?? 0) > 150,
    );
    const alike: number[] = [];
    const apart: number[] = [];
    known.forEach((one, i) => {
      for (const other of known.slice(i + 1)) {
        const same = one.city === other.city && one.topics?.[0] === other.topics?.[0];
        if (same) alike.push(jaccard(membersOf.get(one.group_id), membersOf.get(other.group_id)));
        else if (one.city !== other.city && one.topics?.[0] !== other.topics?.[0]) {
          apart.push(jaccard(membersOf.get(one.group_id), membersOf.get(other.group_id)));
        }
      }
    });
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(alike.length).toBeGreaterThan(3);
    expect(mean(alike)).toBeGreaterThan(5 * mean(apart));
  });

  it('has regulars, but most people attend a group once or twice', () => {
    const visits = new Map<string, number>();
    for (const event of events) {
      for (const { user_id, response } of event.rsvps ?? []) {
        const key = `${event.group_id} ${user_id}`;
        if (response === 'yes') visits.set(key, (visits.get(key) ?? 0) + 1);
      }
    }
    const counts = [...visits.values()];
    expect(share(counts, (count) => count <= 2)).toBeGreaterThan(0.4);
    expect(share(counts, (count) => count >= 8)).toBeGreaterThan(0.03);
  });

  it('has groups and venues only within 115 miles of Amsterdam', () => {
    const placed = [...groups, ...data.sound('venues')].filter(({ lat, lon }) => lat && lon);
    expect(share(placed, ({ lat, lon }) => milesFromAmsterdam(lat ?? 0, lon ?? 0) < 115)).toBe(1);
    const countries = new Set(data.sound('venues').map(({ country }) => country));
    for (const country of ['nl', 'be', 'de']) expect(countries).toContain(country);
  });

  it('has about a quarter of declined invitations, and some people left on waitlists', () => {
    const answers = events.flatMap(({ rsvps }) => rsvps ?? []);
    const declined = share(answers, ({ response }) => response === 'no');
    expect(declined).toBeGreaterThan(0.15);
    expect(declined).toBeLessThan(0.35);
    expect(share(answers, ({ response }) => response === 'waitlist')).toBeGreaterThan(0.01);
    expect(share(answers, ({ guests }) => (guests ?? 0) > 0)).toBeGreaterThan(0.03);
  });
});

function jaccard(one: ReadonlySet<number> = new Set(), other: ReadonlySet<number> = new Set()): number {
  let both = 0;
  for (const member of one) if (other.has(member)) both += 1;
  return both / (one.size + other.size - both);
}

function milesFromAmsterdam(lat: number, lon: number): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const [a, b] = [radians(52.3702), radians(lat)];
  const h = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(radians(lon - 4.8952) / 2) ** 2;
  return 3958.8 * 2 * Math.asin(Math.sqrt(h));
}
