import { DAY } from '../chance/calendar.ts';
import { Random, Weighted } from '../chance/random.ts';
import { CITIES } from '../region/cities.ts';
import { type Cell, DUMPED_AT, Stream } from './world.ts';

export interface Venue {
  readonly index: number;
  readonly city: number;
  readonly name: string;
  /** Seats. */
  readonly capacity: number;
  /** When it first appears in the files. */
  readonly since: number;
  /** Its location is unknown: the files have it at 0,0. */
  readonly isLost: boolean;
}

/** Whether a venue was deleted: events refer to it, but no file contains it. */
export function isDeletedVenue(venue: Venue): boolean {
  return venue.index % 300 === 1;
}

const KINDS = [
  'Office',
  'Campus',
  'Café',
  'Bibliotheek',
  'Hub',
  'Coworking',
  'Kantoor',
  'Theater',
  'Brewery',
  'Lab',
  'Loft',
  'Studio',
  'Auditorium',
  'HQ',
  'Innovation Center',
  'Spaces',
  'Hotel',
  'Universiteit',
  'Fabriek',
  'Zaal',
] as const;
const OWNERS = [
  'Noorderlicht',
  'Tulpen',
  'Gracht',
  'De Waag',
  'Kade 12',
  'Silo',
  'Vlaggeschip',
  'Meridiaan',
  'Bitwise',
  'Parcello',
  'Fietsbank',
  'Polder & Co',
  'Zuidas',
  'Lichtfabriek',
  'Oostpoort',
  'Hanze',
  'De Molen',
  'Scheepvaart',
  'Kornuit',
  'Nordstern',
  'Brouwerij Zeven',
  'Datadijk',
  'Quintus',
  'Halfweg',
  'Klokgebouw',
  'Stationsplein',
  'Grand Place',
  'Schelde',
  'Rheinblick',
  'Cloudwerf',
  'Vinkel',
  'Rabarber',
] as const;

/** The venues of a cell, at least one in its largest city; each group meets in those of its own city. */
export function makeVenues(cell: Cell): { venues: readonly Venue[]; inCity: readonly (readonly Venue[])[] } {
  const random = new Random(cell.seed, cell.index, Stream.venues);
  const cities = new Weighted(CITIES.map(({ weight }) => weight));
  const inCity: Venue[][] = CITIES.map(() => []);
  const venues = Array.from({ length: cell.venues }, (_, index): Venue => {
    const city = index === 0 ? 0 : cities.draw(random);
    const venue: Venue = {
      index,
      city,
      name: nameOf(random, city),
      capacity: Math.max(12, Math.round((45 * random.skewed(0.7)) / 5) * 5),
      // One in sixty opens after the dump.
      since: random.chance(1 / 60) ? DUMPED_AT + random.between(0, 366 * DAY) : 0,
      isLost: index % 40 === 3,
    };
    inCity[city]?.push(venue);
    return venue;
  });
  return { venues, inCity };
}

function nameOf(random: Random, city: number): string {
  const owner = random.pick(OWNERS);
  const kind = random.pick(KINDS);
  const where = CITIES[city]?.name ?? '';
  switch (random.below(4)) {
    case 0:
      return `${owner} ${kind} ${where}`;
    case 1:
      return `${kind} ${owner}`;
    case 2:
      return `${owner} ${where}`;
    default:
      return `${owner} ${kind}`;
  }
}
