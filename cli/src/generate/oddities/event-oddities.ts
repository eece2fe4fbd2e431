import { LOST_GROUP_ID, LOST_USER_ID, LOST_VENUE_ID } from '../world/ids.ts';
import { breaking, changing, items, type JsonRecord, type Oddity } from './oddity.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

function moment(record: JsonRecord, field: string): number {
  const value = record[field];
  return typeof value === 'number' ? value : 0;
}

function addAnswer(event: JsonRecord, answer: JsonRecord): void {
  event.rsvps = [...items(event, 'rsvps'), answer];
}

/** The first answer; if there is none, a new one. */
function anAnswer(event: JsonRecord): JsonRecord {
  const [first] = items(event, 'rsvps');
  if (first !== undefined) return first;
  const made: JsonRecord = { user_id: LOST_USER_ID, when: moment(event, 'created') + HOUR, response: 'yes', guests: 0 };
  event.rsvps = [made];
  return made;
}

const BREAKING: readonly Oddity[] = [
  breaking('id as a string', (event) => {
    event.group_id = String(event.group_id);
  }),
  breaking('negative duration', (event) => {
    event.duration = -7_200_000;
  }),
  breaking('user id of an answer as a string', (event) => {
    const answer = anAnswer(event);
    answer.user_id = String(answer.user_id);
  }),
  breaking('invalid answer', (event) => {
    anAnswer(event).response = 'maybe';
  }),
  breaking('answer without a timestamp', (event) => {
    delete anAnswer(event).when;
  }),
  breaking('negative guests', (event) => {
    anAnswer(event).guests = -1;
  }),
  breaking('start in microseconds', (event) => {
    event.time = moment(event, 'time') * 1000;
  }),
  breaking('empty status', (event) => {
    event.status = '';
  }),
  breaking('negative limit', (event) => {
    event.rsvp_limit = -1;
  }),
  breaking('no name', (event) => {
    event.name = null;
  }),
  {
    ...breaking('record without its key', (event) => {
      delete event.group_id;
      delete event.created;
    }),
    alone: true,
  },
  {
    ...breaking('start as text', (event) => {
      event.time = new Date(moment(event, 'time')).toISOString();
    }),
    alone: true,
  },
];

const ANSWERS: readonly Oddity[] = [
  changing('the same answer twice', (event) => {
    addAnswer(event, { ...anAnswer(event) });
  }),
  changing('two answers of one person', (event) => {
    const first = anAnswer(event);
    const other = first.response === 'yes' ? 'no' : 'yes';
    addAnswer(event, { user_id: first.user_id ?? 0, when: moment(first, 'when') + 1000, response: other, guests: 0 });
  }),
  changing('two answers of one person at one moment', (event) => {
    const first = anAnswer(event);
    addAnswer(event, { ...first, response: first.response === 'no' ? 'yes' : 'no', guests: 0 });
  }),
  changing('answer of an unknown person', (event) => {
    addAnswer(event, { user_id: LOST_USER_ID, when: moment(event, 'created') + HOUR, response: 'yes', guests: 1 });
  }),
  changing('crowd of guests', (event) => {
    anAnswer(event).guests = 400;
  }),
  changing('guests with a no', (event) => {
    const answer = anAnswer(event);
    answer.response = 'no';
    answer.guests = 2;
  }),
  changing('answer after the start', (event) => {
    addAnswer(event, {
      user_id: LOST_USER_ID + 4,
      when: moment(event, 'time') + 20 * HOUR,
      response: 'yes',
      guests: 0,
    });
  }),
  changing('answer before the announcement', (event) => {
    const early = moment(event, 'created') - 24 * HOUR;
    addAnswer(event, { user_id: LOST_USER_ID + 8, when: early, response: 'yes', guests: 0 });
  }),
  changing('waitlist without a limit', (event) => {
    event.rsvp_limit = null;
    const when = moment(event, 'created') + 2 * HOUR;
    addAnswer(event, { user_id: LOST_USER_ID + 12, when, response: 'waitlist', guests: 1 });
  }),
  changing('no answers', (event) => {
    event.rsvps = [];
  }),
  changing('answers missing', (event) => {
    delete event.rsvps;
  }),
  changing('answers null', (event) => {
    event.rsvps = null;
  }),
];

const REFERENCES: readonly Oddity[] = [
  changing('unknown venue', (event) => {
    event.venue_id = LOST_VENUE_ID;
  }),
  changing('unknown group', (event) => {
    event.group_id = LOST_GROUP_ID;
  }),
  { name: 'duplicate record', spoil: (event) => [event, { ...event }] },
  {
    name: 'older self in the same file',
    spoil: (event) => [{ ...event, status: 'upcoming', rsvps: items(event, 'rsvps').slice(0, 2) }, event],
  },
];

const TIMES: readonly Oddity[] = [
  changing('upcoming in the past', (event) => {
    event.status = 'upcoming';
  }),
  changing('cancelled', (event) => {
    event.status = 'cancelled';
  }),
  changing('rare status', (event) => {
    event.status = 'suggested';
  }),
  changing('draft', (event) => {
    event.status = 'draft';
  }),
  changing('proposed', (event) => {
    event.status = 'proposed';
  }),
  changing('start before the announcement', (event) => {
    // Moved by a full year, so that it doesn't coincide with another meeting of its group.
    event.time = moment(event, 'created') - YEAR;
  }),
  changing('duration in seconds', (event) => {
    event.duration = 7200;
  }),
  changing('duration of zero', (event) => {
    event.duration = 0;
  }),
  changing('duration of a year', (event) => {
    event.duration = YEAR;
  }),
  changing('only required fields', (event) => {
    for (const field of ['description', 'duration', 'rsvp_limit', 'venue_id', 'status']) delete event[field];
  }),
  changing('nulls throughout', (event) => {
    for (const field of ['description', 'duration', 'rsvp_limit', 'venue_id', 'status']) event[field] = null;
  }),
];

const TEXTS: readonly Oddity[] = [
  {
    ...changing('description of 200 kB', (event) => {
      event.description = `<p>${'Lorem ipsum, maar dan met koffie &amp; stroopwafels. '.repeat(3800)}</p>`;
    }),
    once: true,
  },
  changing('NUL in a name', (event) => {
    event.name = `${String(event.name)}\u0000`;
  }),
  changing('NUL in a description', (event) => {
    event.description = '<p>Copied from\u0000 another program</p>';
  }),
  changing('emoji throughout', (event) => {
    event.name = '🦀🔥 👩‍🚀 🇳🇱🇧🇪🇩🇪 ✨';
    event.description = '<p>🍕 + 🍻 = ❤️‍🔥</p>';
  }),
  changing('right-to-left name', (event) => {
    event.name = 'מפגש קהילה: Rust و Python ‏(2)';
  }),
  changing('line ends, quotes and markup', (event) => {
    event.name = 'O\'Brien’s "quoted" \\ <b>talk</b>;\u2028 -- drop table\tnothing';
    event.description = "<p>1\r\n2\n3\u2029</p><script>alert('hi')</script>%s {{ jinja }}";
  }),
  changing('unknown fields', (event) => {
    event.visibility = 'public';
    event.fee = { amount: 5, currency: 'EUR' };
  }),
];

export const EVENT_ODDITIES: readonly Oddity[] = [...BREAKING, ...ANSWERS, ...REFERENCES, ...TIMES, ...TEXTS];
