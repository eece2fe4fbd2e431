import { describe, expect, it } from 'vitest';
import { type ClosedTable, type Closure, closureOf, type Reference, type Seed } from '../../src/pull/closure.ts';

const table = (name: string, columns: Record<string, string>): ClosedTable => ({
  id: name,
  name,
  place: `\`${name}\``,
  columns: new Map(Object.entries(columns)),
});

const groups = table('groups', { group_id: 'bigint' });
const events = table('events', { group_id: 'bigint', venue_id: 'bigint', rsvps: 'array<struct<user_id:bigint>>' });
const users = table('users', { user_id: 'bigint', memberships: 'array<struct<group_id:bigint>>' });
const venues = table('venues', { venue_id: 'bigint' });
const all = [groups, events, users, venues];

const refers = (child: string, path: string, parent: string, column: string): Reference => ({
  child,
  path: path.split('.'),
  parent,
  column,
});
const eventsGroup = refers('events', 'group_id', 'groups', 'group_id');
const eventsVenue = refers('events', 'venue_id', 'venues', 'venue_id');
const rsvpsUser = refers('events', 'rsvps.user_id', 'users', 'user_id');
const membersGroup = refers('users', 'memberships.group_id', 'groups', 'group_id');

const group1: Seed = { table: 'groups', column: 'group_id', wanted: { kind: 'values', values: ['1'] } };
const whereOf = ({ chosen }: Closure, name: string): string | undefined =>
  chosen.find((one) => one.table === name)?.where;
const setsOf = ({ chosen }: Closure, name: string): string | undefined =>
  chosen.find((one) => one.table === name)?.with;

describe('the rows that belong to chosen keys', () => {
  it('are what refers to them, and what that refers to', () => {
    const closure = closureOf(all, [eventsGroup, eventsVenue], [group1]);
    expect(closure.chosen.map((one) => one.table)).toEqual(['groups', 'events', 'venues']);
    expect(whereOf(closure, 'groups')).toBe('`group_id` in (1)');
    expect(whereOf(closure, 'events')).toBe('cast(`group_id` as string) in (select v from keys_1)');
    expect(setsOf(closure, 'events')).toBe(
      'with keys_1 as (select distinct cast(`group_id` as string) as v from `groups` where `group_id` in (1) and cast(`group_id` as string) is not null)\n',
    );
    expect(whereOf(closure, 'venues')).toBe('cast(`venue_id` as string) in (select v from keys_2)');
  });

  it("don't include what else refers to a row that they only refer to", () => {
    const closure = closureOf(all, [eventsVenue], [{ ...group1, table: 'venues', column: 'venue_id' }]);
    expect(closure.chosen.map((one) => one.table)).toEqual(['venues', 'events']);
    const parents = closureOf(all, [eventsGroup, eventsVenue], [{ ...group1, table: 'venues', column: 'venue_id' }]);
    expect(whereOf(parents, 'groups')).toBe('cast(`group_id` as string) in (select v from keys_2)');
    expect(whereOf(parents, 'events')).toBe('cast(`venue_id` as string) in (select v from keys_1)');
  });

  it('are found through lists in both directions', () => {
    const closure = closureOf(all, [eventsGroup, rsvpsUser, membersGroup], [group1]);
    expect(whereOf(closure, 'users')).toBe(
      '(arrays_overlap(transform(`memberships`, x0 -> cast(x0.`group_id` as string)), (select collect_list(v) from keys_1)) or cast(`user_id` as string) in (select v from keys_2))',
    );
    expect(setsOf(closure, 'users')).toContain('explode(transform(`rsvps`, x0 -> cast(x0.`user_id` as string)))');
    // Members of the group are members of others too.
    expect(closure.chosen.find((one) => one.table === 'groups')?.why).toEqual([
      'chosen by group_id',
      'users refers to it',
    ]);
  });

  it('follow a table that refers to itself a few steps, and say so', () => {
    const staff = table('staff', { id: 'bigint', manager_id: 'bigint' });
    const manager = refers('staff', 'manager_id', 'staff', 'id');
    const closure = closureOf(
      [staff],
      [manager],
      [{ table: 'staff', column: 'id', wanted: { kind: 'values', values: ['5'] } }],
    );
    expect(closure.cut).toEqual(['staff.manager_id → staff']);
    expect(setsOf(closure, 'staff')?.match(/keys_\d+ as/g)).toHaveLength(3);
  });

  it('end if tables refer to each other in a circle', () => {
    const a = table('a', { id: 'bigint', b_id: 'bigint' });
    const b = table('b', { id: 'bigint', a_id: 'bigint' });
    const circle = [refers('a', 'b_id', 'b', 'id'), refers('b', 'a_id', 'a', 'id')];
    const closure = closureOf([a, b], circle, [
      { table: 'a', column: 'id', wanted: { kind: 'values', values: ['1'] } },
    ]);
    expect(closure.chosen.map((one) => one.table)).toEqual(['a', 'b']);
    expect(closure.cut).not.toEqual([]);
  });

  it('are a share of the values by a hash that is the same in every table', () => {
    const share: Seed = { table: 'groups', column: 'group_id', wanted: { kind: 'share', perTenThousand: 100 } };
    const closure = closureOf(all, [], [share, { ...share, table: 'events' }]);
    for (const name of ['groups', 'events']) {
      expect(whereOf(closure, name)).toBe('pmod(xxhash64(cast(`group_id` as string)), 10000) < 100');
    }
  });

  it('are named by quoted identifiers and texts', () => {
    const odd = table('odd', { 'the `key`': 'string' });
    const closure = closureOf(
      [odd],
      [],
      [{ table: 'odd', column: 'the `key`', wanted: { kind: 'values', values: ["it's \\"] } }],
    );
    expect(whereOf(closure, 'odd')).toBe("`the ``key```in ('it\\'s \\\\')".replace('`in', '` in'));
  });

  it("are compared as text if a value is not a number of the column's type", () => {
    const closure = closureOf(
      all,
      [],
      [{ table: 'groups', column: 'group_id', wanted: { kind: 'values', values: ['x'] } }],
    );
    expect(whereOf(closure, 'groups')).toBe("cast(`group_id` as string) in ('x')");
  });
});
