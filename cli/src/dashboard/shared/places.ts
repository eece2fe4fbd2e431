/** A name on a map, in the middle of its points. */
export interface Place {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** No more names than these, and none that would be written over another: closer than these shares of the map's width and height. */
const MOST = 10;
const NEAR = { x: 0.16, y: 0.06 };

/** The places with the most points, to find one's way on a map. */
export function namedPlaces(
  data: readonly Readonly<Record<string, unknown>>[],
  { places, latitude, longitude }: { readonly places: string; readonly latitude: string; readonly longitude: string },
): readonly Place[] {
  const sums = new Map<string, { x: number; y: number; n: number }>();
  for (const datum of data) {
    const [name, x, y] = [datum[places], datum[longitude], datum[latitude]];
    if (typeof name !== 'string' || name === '' || typeof x !== 'number' || typeof y !== 'number') continue;
    const sum = sums.get(name) ?? { x: 0, y: 0, n: 0 };
    sums.set(name, { x: sum.x + x, y: sum.y + y, n: sum.n + 1 });
  }
  const all = [...sums].map(([name, { x, y, n }]) => ({ name, x: x / n, y: y / n, n })).sort((a, b) => b.n - a.n);
  const [width, height] = [extent(all.map(({ x }) => x)), extent(all.map(({ y }) => y))];
  const named: Place[] = [];
  for (const { name, x, y } of all) {
    const isFree = named.every((one) => Math.abs(one.x - x) > NEAR.x * width || Math.abs(one.y - y) > NEAR.y * height);
    if (isFree && named.length < MOST) named.push({ name, x, y });
  }
  return named;
}

const extent = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
