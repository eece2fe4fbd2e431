import { hash, Random, Weighted } from '../chance/random.ts';
import { AREAS, CITIES } from '../region/cities.ts';
import { NEAR_THEMES, THEMES } from '../region/themes.ts';
import { yearlyArrivals } from './history.ts';
import { type Cell, Stream } from './world.ts';

/** The people of a cell, one entry each. */
export interface People {
  readonly count: number;
  /** Index in CITIES. */
  readonly city: Uint8Array;
  readonly theme: Uint8Array;
  /** The day on which they join the site. */
  readonly arrivedOn: Int32Array;
  /** People by area and theme, by theme, and all; those at the start of a list join the most groups. */
  readonly byPlace: readonly Int32Array[];
  readonly byTheme: readonly Int32Array[];
}

export function makePeople(cell: Cell): People {
  const random = new Random(cell.seed, cell.index, Stream.people);
  const count = cell.people;
  const city = new Uint8Array(count);
  const theme = new Uint8Array(count);
  const side = new Uint8Array(count);
  const arrivedOn = new Int32Array(count);
  const cities = new Weighted(CITIES.map(({ weight }) => weight));
  const themes = new Weighted(THEMES.map(({ weight }) => weight));
  for (let person = 0; person < count; person += 1) {
    city[person] = cities.draw(random);
    const own = themes.draw(random);
    theme[person] = own;
    const near = NEAR_THEMES[own] ?? [];
    side[person] = near[random.below(near.length)] ?? own;
    arrivedOn[person] = yearlyArrivals.draw(random);
  }
  const place = (person: number, interest: number): number =>
    (CITIES[city[person] ?? 0]?.area ?? 0) * THEMES.length + interest;
  const places = AREAS.length * THEMES.length;
  return {
    count,
    city,
    theme,
    arrivedOn,
    byPlace: gather(count, places, (person) => [place(person, theme[person] ?? 0), place(person, side[person] ?? 0)]),
    byTheme: gather(count, THEMES.length, (person) => [theme[person] ?? 0, side[person] ?? 0]),
  };
}

/** The people in each bin, in order. */
function gather(count: number, bins: number, binsOf: (person: number) => readonly [number, number]): Int32Array[] {
  const sizes = new Int32Array(bins);
  for (let person = 0; person < count; person += 1) {
    for (const bin of binsOf(person)) sizes[bin] = (sizes[bin] ?? 0) + 1;
  }
  const gathered = Array.from(sizes, (size) => new Int32Array(size));
  sizes.fill(0);
  for (let person = 0; person < count; person += 1) {
    for (const bin of binsOf(person)) {
      const at = sizes[bin] ?? 0;
      const list = gathered[bin];
      if (list !== undefined) list[at] = person;
      sizes[bin] = at + 1;
    }
  }
  return gathered;
}

/** Whether a person has deleted their account: their answers remain, but no file contains them. */
export function hasDeletedAccount(cell: Cell, person: number): boolean {
  return hash(cell.seed, cell.index, Stream.person, person, 1) % 200 === 0;
}
