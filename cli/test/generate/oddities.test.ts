import { describe, expect, it } from 'vitest';
import { type DataSet, type Event, generated, type Rsvp } from './support/data-set.ts';

/** Every oddity that the description of the data mentions, with a check that only looks at the files. */
const ODDITIES: Record<string, (data: DataSet) => boolean> = {
  'an id as a string': (data) =>
    raw(data, 'users').some((user) => typeof user.user_id === 'string') &&
    raw(data, 'events').some((event) => typeof event.group_id === 'string'),
  'a record without its key': (data) => raw(data, 'users').some((user) => !('user_id' in user)),
  'a latitude of 200': (data) => raw(data, 'venues').some((venue) => venue.lat === 200),
  'a venue at 0,0': (data) => data.sound('venues').some(({ lat, lon }) => lat === 0 && lon === 0),
  'an end before its start': (data) => raw(data, 'events').some(({ duration }) => Number(duration) < 0),
  'a venue that does not exist': (data) => {
    const known = new Set(data.sound('venues').map(({ venue_id }) => venue_id));
    return data.sound('events').some(({ venue_id }) => typeof venue_id === 'number' && !known.has(venue_id));
  },
  'an event of an unknown group': (data) => {
    const known = new Set(data.sound('groups').map(({ group_id }) => group_id));
    return data.sound('events').some(({ group_id }) => !known.has(group_id));
  },
  'a membership in an unknown group': (data) => {
    const known = new Set(data.sound('groups').map(({ group_id }) => group_id));
    return data.sound('users').some(({ memberships }) => memberships?.some(({ group_id }) => !known.has(group_id)));
  },
  'an RSVP by a user who is not in users.json': (data) => {
    const known = new Set(data.sound('users').map(({ user_id }) => user_id));
    return rsvps(data).some(({ user_id }) => !known.has(user_id));
  },
  'the same RSVP twice': (data) =>
    twoAnswers(data, (one, other) => one.when === other.when && one.response === other.response),
  'two answers from one person at different times': (data) => twoAnswers(data, (one, other) => one.when !== other.when),
  'two answers from one person at the same time': (data) =>
    twoAnswers(data, (one, other) => one.when === other.when && one.response !== other.response),
  'a waitlist': (data) => rsvps(data).some(({ response }) => response === 'waitlist'),
  'a waitlist without a limit': (data) =>
    data
      .sound('events')
      .some((event) => !event.rsvp_limit && answers(event).some((one) => one.response === 'waitlist')),
  guests: (data) => rsvps(data).some(({ response, guests }) => response === 'yes' && Number(guests) > 0),
  'guests of somebody who declined': (data) =>
    rsvps(data).some(({ response, guests }) => response === 'no' && Number(guests) > 0),
  'an event that is still upcoming in the past': (data) =>
    data.sound('events').some(({ status, time }) => status === 'upcoming' && time < Date.UTC(2026, 0)),
  'a cancelled event': (data) => data.sound('events').some(({ status }) => status === 'cancelled'),
  'a draft, and an event that was only proposed': (data) =>
    ['draft', 'proposed'].every((wanted) => data.sound('events').some(({ status }) => status === wanted)),
  'a membership in the far future': (data) =>
    data.sound('users').some(({ memberships }) => memberships?.some(({ joined }) => joined > Date.UTC(2090, 0))),
  'an event without a status': (data) =>
    data.sound('events').some(({ status }) => status === undefined || status === null),
  'an event that starts before it was created': (data) =>
    data.sound('events').some(({ time, created }) => time < created),
  'a NUL escape': (data) => data.text('events').includes('\\u0000') && data.text('users').includes('\\u0000'),
  'a description of 200 kB': (data) =>
    data.sound('events').filter(({ description }) => Buffer.byteLength(description ?? '') > 190_000).length === 1,
  'an HTML description': (data) => data.sound('events').some(({ description }) => description?.includes('<li>')),
  emoji: (data) => data.sound('events').some(({ name }) => /\p{Extended_Pictographic}/u.test(name)),
  'right-to-left text': (data) => data.sound('events').some(({ name }) => /[\u0590-\u07ff]/.test(name)),
  'a line separator in a string': (data) => data.sound('events').some(({ name }) => name.includes('\u2028')),
  'an event record twice': (data) => {
    const lines = data
      .text('events')
      .split('\n')
      .filter((line) => line.length > 2);
    return new Set(lines).size < lines.length;
  },
  'a user record twice': (data) => {
    const ids = data.sound('users').map(({ user_id }) => user_id);
    return new Set(ids).size < ids.length;
  },
  'a group record twice': (data) => {
    const ids = data.sound('groups').map(({ group_id }) => group_id);
    return new Set(ids).size < ids.length;
  },
  'events without RSVPs, as missing, null and empty lists': (data) => {
    const events = data.sound('events');
    return (
      events.some((e) => e.rsvps === undefined) &&
      events.some((e) => e.rsvps === null) &&
      events.some((e) => e.rsvps?.length === 0)
    );
  },
  'users without memberships, as missing, null and empty lists': (data) => {
    const users = data.sound('users');
    return (
      users.some((u) => u.memberships === undefined) &&
      users.some((u) => u.memberships === null) &&
      users.some((u) => u.memberships?.length === 0)
    );
  },
  'a missing limit, and a null one': (data) =>
    data.sound('events').some((e) => e.rsvp_limit === undefined) &&
    data.sound('events').some((e) => e.rsvp_limit === null),
  'a missing venue, and a null one': (data) =>
    data.sound('events').some((e) => e.venue_id === undefined) && data.sound('events').some((e) => e.venue_id === null),
  'a missing description, and a null one': (data) =>
    data.sound('events').some((e) => e.description === undefined) &&
    data.sound('events').some((e) => e.description === null),
  'a missing hometown, and a null one': (data) =>
    data.sound('users').some((u) => u.hometown === undefined) && data.sound('users').some((u) => u.hometown === null),
  'a group without topics': (data) => data.sound('groups').some(({ topics }) => topics?.length === 0),
  'a field that is not in the schema': (data) => raw(data, 'events').some((event) => 'visibility' in event),
};

describe.each([
  { scale: 0.01, seed: 1 },
  { scale: 0.01, seed: 2 },
  { scale: 0.01, seed: 3 },
  { scale: 0.04, seed: 4 },
])('a data set of scale $scale, seed $seed', async (options) => {
  const data = await generated(options);

  it.each(Object.entries(ODDITIES))('contains %s', (_, occursIn) => {
    expect(occursIn(data)).toBe(true);
  });
});

describe('oddities in a larger data set', async () => {
  const data = await generated({ scale: 0.18, seed: 1 });

  it('are rare: hardly any answer or event has a dangling reference', () => {
    const users = new Set(data.sound('users').map(({ user_id }) => user_id));
    const groups = new Set(data.sound('groups').map(({ group_id }) => group_id));
    const all = rsvps(data);
    const events = data.sound('events');
    expect(all.filter(({ user_id }) => !users.has(user_id)).length / all.length).toBeLessThan(0.02);
    expect(events.filter(({ group_id }) => !groups.has(group_id)).length / events.length).toBeLessThan(0.02);
  });

  it('also include invalid groups, if there are enough groups', () => {
    const groups = raw(data, 'groups');
    expect(groups.some(({ group_id }) => typeof group_id === 'string')).toBe(true);
    expect(groups.some(({ lat }) => lat === 200)).toBe(true);
  });
});

function raw(data: DataSet, entity: 'groups' | 'users' | 'events' | 'venues'): Record<string, unknown>[] {
  return data
    .all(entity)
    .filter((record): record is Record<string, unknown> => typeof record === 'object' && record !== null);
}

function answers(event: Event): Rsvp[] {
  return event.rsvps ?? [];
}

function rsvps(data: DataSet): Rsvp[] {
  return data.sound('events').flatMap(answers);
}

/** Whether one person answered one event twice, with a pair of answers like this. */
function twoAnswers(data: DataSet, likeThis: (one: Rsvp, other: Rsvp) => boolean): boolean {
  return data.sound('events').some((event) => {
    const first = new Map<number, Rsvp>();
    return answers(event).some((answer) => {
      const earlier = first.get(answer.user_id);
      first.set(answer.user_id, answer);
      return earlier !== undefined && likeThis(earlier, answer);
    });
  });
}
