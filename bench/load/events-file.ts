import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

/** One in this many records fails validation, as in real data. */
const ODD_EVERY = 2000;

/**
 * Writes an events.json of about this size, with short and long descriptions, up to 40 answers per event, and a few invalid records.
 * @param doubtful the share of records, 0 to 1, that are valid but have their keys in an unusual order.
 */
export async function writeEvents(
  folder: string,
  size: number,
  doubtful = 0,
): Promise<{ file: string; bytes: number; events: number; rsvps: number }> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'events.json');
  const out = createWriteStream(file, { highWaterMark: 1 << 20 });
  const random = seeded(1);
  out.write('[\n');
  let bytes = 2;
  let events = 0;
  let rsvps = 0;
  while (bytes < size) {
    const answers = Math.floor(random() * 40);
    const event = eventOf(events, answers, random);
    const isDoubtful = doubtful > 0 && events % Math.round(1 / doubtful) === 0;
    const written = isDoubtful ? Object.fromEntries(Object.entries(event).reverse()) : event;
    const text = `${events === 0 ? '' : ',\n'}${JSON.stringify(written)}`;
    bytes += Buffer.byteLength(text);
    events += 1;
    rsvps += answers;
    if (!out.write(text)) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
  }
  out.end('\n]\n');
  await finished(out);
  return { file, bytes, events, rsvps };
}

function eventOf(index: number, answers: number, random: () => number): object {
  const whole = (below: number): number => Math.floor(random() * below);
  const time = 1_400_000_000_000 + index * 60_000;
  return {
    group_id: index % ODD_EVERY === 7 ? String(index) : 1 + (index % 2000),
    name: `Event ${index % 5000}: an evening 🎉`,
    description: `<p>${'lorem ipsum dolor '.repeat(whole(20))}</p>`,
    created: time - 1_000_000_000,
    time,
    duration: 7_200_000,
    rsvp_limit: whole(2) === 0 ? null : 50,
    venue_id: whole(8000) + 1,
    status: 'past',
    rsvps: Array.from({ length: answers }, () => ({
      user_id: 1 + whole(150_000),
      when: time - whole(900_000_000),
      response: ['yes', 'no', 'waitlist'][whole(3)],
      guests: 0,
    })),
  };
}

/** Mulberry32, so that the file is the same every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
