import { describe, expect, it } from 'vitest';
import { generated } from './support/data-set.ts';

describe('a consistent data set', async () => {
  const data = await generated({ scale: 0.06, seed: 11 });
  const joined = new Map<string, number>();
  for (const { user_id, memberships } of data.sound('users')) {
    for (const one of memberships ?? []) {
      const key = `${user_id} ${one.group_id}`;
      joined.set(key, Math.min(one.joined, joined.get(key) ?? Number.POSITIVE_INFINITY));
    }
  }
  const founded = new Map(data.sound('groups').map(({ group_id, created }) => [group_id, created]));
  const events = data.sound('events');
  const answers = events.flatMap((event) => (event.rsvps ?? []).map((rsvp) => ({ event, rsvp })));

  it('has answers almost only from people who were members of the group at that time', () => {
    const members = answers.filter(({ event, rsvp }) => {
      const since = joined.get(`${rsvp.user_id} ${event.group_id}`);
      return since !== undefined && since <= rsvp.when;
    });
    expect(members.length / answers.length).toBeGreaterThan(0.96);
    // Some are not, because accounts and groups are deleted, and records get lost.
    expect(members.length).toBeLessThan(answers.length);
  });

  it('has nobody who joins a group before it was founded', () => {
    const early = [...joined].filter(([key, since]) => since < (founded.get(Number(key.split(' ')[1])) ?? 0));
    // The exceptions are deliberate oddities: the same membership twice, a day apart.
    expect(early.length).toBeLessThanOrEqual(3);
  });

  it('has almost all answers between the announcement and the start of their event', () => {
    const timely = answers.filter(({ event, rsvp }) => rsvp.when >= event.created && rsvp.when <= event.time);
    expect(timely.length / answers.length).toBeGreaterThan(0.99);
  });

  it("has events after their group was founded, at venues in the group's city", () => {
    const cityOfVenue = new Map(data.sound('venues').map(({ venue_id, city }) => [venue_id, city]));
    const cityOfGroup = new Map(data.sound('groups').map(({ group_id, city }) => [group_id, city]));
    const placed = events.filter((event) => cityOfVenue.get(event.venue_id ?? 0) && cityOfGroup.get(event.group_id));
    const atHome = placed.filter((event) => cityOfVenue.get(event.venue_id ?? 0) === cityOfGroup.get(event.group_id));
    expect(atHome.length / placed.length).toBeGreaterThan(0.97);
    const later = events.filter((event) => event.time > (founded.get(event.group_id) ?? 0));
    expect(later.length / events.length).toBeGreaterThan(0.99);
  });

  it('has waitlists instead of events over their limit', () => {
    const limited = events.filter((event) => (event.rsvp_limit ?? 0) > 0 && (event.rsvps ?? []).length > 0);
    const full = limited.filter((event) => (event.rsvps ?? []).some(({ response }) => response === 'waitlist'));
    expect(full.length / limited.length).toBeGreaterThan(0.05);
    const over = limited.filter((event) => {
      const seats = (event.rsvps ?? []).map((one) => (one.response === 'yes' ? 1 + (one.guests ?? 0) : 0));
      return seats.reduce((sum, one) => sum + one, 0) > (event.rsvp_limit ?? 0);
    });
    // A few events are over their limit because of deliberately added answers.
    expect(over.length / limited.length).toBeLessThan(0.02);
  });
});
