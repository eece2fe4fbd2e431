import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Feature, FeatureCollection, MultiPolygon, Polygon, Position } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

/** West, south, east, north, in degrees. */
export type Box = readonly [west: number, south: number, east: number, north: number];

type Land = Feature<Polygon | MultiPolygon>;

let atlas: Promise<readonly { land: Land; box: Box }[]> | undefined;

/** The countries of Natural Earth that lie in a box, cut off some way outside of it. */
export async function countriesIn(box: Box): Promise<FeatureCollection<MultiPolygon>> {
  atlas ??= readAtlas();
  const around = grown(box);
  const features = (await atlas).flatMap(({ land, box: extent }) => {
    if (!meet(extent, around)) return [];
    const coordinates = polygonsOf(land).flatMap((rings) => {
      const clipped = rings.map((ring) => clip(ring, around)).filter((ring) => ring.length > 3);
      return clipped.length === 0 ? [] : [clipped];
    });
    if (coordinates.length === 0) return [];
    const { properties } = land;
    const geometry: MultiPolygon = {
      type: 'MultiPolygon',
      coordinates: coordinates.map((rings) => rings.map(rounded)),
    };
    return [{ type: 'Feature' as const, properties, geometry }];
  });
  return { type: 'FeatureCollection', features };
}

async function readAtlas(): Promise<readonly { land: Land; box: Box }[]> {
  const file = createRequire(import.meta.url).resolve('world-atlas/countries-10m.json');
  const topology: Topology<{ countries: GeometryCollection<{ name: string }> }> = JSON.parse(
    await readFile(file, 'utf8'),
  );
  const { features } = feature(topology, topology.objects.countries);
  return features.flatMap(({ type, properties, geometry }) => {
    if (geometry.type !== 'Polygon' && geometry.type !== 'MultiPolygon') return [];
    const land: Land = { type, properties, geometry };
    return [{ land, box: boxOf(polygonsOf(land).flatMap((rings) => rings[0] ?? [])) }];
  });
}

const polygonsOf = ({ geometry }: Land): readonly Position[][][] =>
  geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;

function boxOf(points: readonly Position[]): Box {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const [x = 0, y = 0] of points) {
    west = Math.min(west, x);
    east = Math.max(east, x);
    south = Math.min(south, y);
    north = Math.max(north, y);
  }
  return [west, south, east, north];
}

const meet = (a: Box, b: Box): boolean => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

/** The neighbourhood that a map shows around its points. */
function grown([west, south, east, north]: Box): Box {
  const by = Math.max(1, east - west, north - south);
  return [west - by, south - by, east + by, north + by];
}

/** The part of a ring inside a box: cut along each side in turn (Sutherland and Hodgman). */
function clip(ring: readonly Position[], [west, south, east, north]: Box): Position[] {
  const sides = [
    { axis: 0, at: west, sign: 1 },
    { axis: 0, at: east, sign: -1 },
    { axis: 1, at: south, sign: 1 },
    { axis: 1, at: north, sign: -1 },
  ] as const;
  let points: readonly Position[] = ring.slice(0, -1);
  for (const side of sides) points = clipSide(points, side);
  const [first] = points;
  return first === undefined ? [] : [...points, first];
}

interface Side {
  readonly axis: 0 | 1;
  readonly at: number;
  /** 1: what is greater is inside. */
  readonly sign: 1 | -1;
}

function clipSide(points: readonly Position[], { axis, at, sign }: Side): Position[] {
  const distance = (point: Position): number => sign * ((point[axis] ?? 0) - at);
  return points.flatMap((point, i) => {
    const before = points.at(i - 1) ?? point;
    const [from, to] = [distance(before), distance(point)];
    const crossing = from < 0 === to < 0 ? [] : [between(before, point, from / (from - to))];
    return to < 0 ? crossing : [...crossing, point];
  });
}

const between = ([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position, share: number): Position => [
  ax + (bx - ax) * share,
  ay + (by - ay) * share,
];

const rounded = (ring: readonly Position[]): Position[] =>
  ring.map(([x = 0, y = 0]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000]);

/** Parses `west,south,east,north`. */
export function parseBox(text: string): Box | undefined {
  const [west = Number.NaN, south = Number.NaN, east = Number.NaN, north = Number.NaN] = text.split(',').map(Number);
  const box: Box = [west, south, east, north];
  return box.every(Number.isFinite) ? box : undefined;
}
