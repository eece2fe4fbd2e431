import { breakingCopy, changing, type Oddity } from './oddity.ts';

export const VENUE_ODDITIES: readonly Oddity[] = [
  breakingCopy('id as a string', (venue) => {
    venue.venue_id = String(venue.venue_id);
  }),
  breakingCopy('latitude of 200', (venue) => {
    venue.lat = 200;
    venue.lon = -999;
  }),
  breakingCopy('country by name', (venue) => {
    venue.country = 'Netherlands';
  }),
  {
    ...breakingCopy('record without its key', (venue) => {
      delete venue.venue_id;
    }),
    alone: true,
  },
  changing('at 0,0', (venue) => {
    venue.lat = 0;
    venue.lon = 0;
  }),
  changing('no location', (venue) => {
    venue.lat = null;
    delete venue.lon;
    delete venue.city;
    venue.country = null;
  }),
  { name: 'duplicate record', spoil: (venue) => [venue, { ...venue }] },
  changing('right-to-left name', (venue) => {
    venue.name = 'مقهى المبرمجين';
  }),
  changing('name in emoji', (venue) => {
    venue.name = `${String(venue.name)} 🏢🍕`;
  }),
];
