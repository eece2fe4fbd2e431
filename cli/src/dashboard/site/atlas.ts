import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Feature, FeatureCollection, MultiPolygon, Polygon, Position } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

/** West, south, east, north, in degrees. */
export type Box = readonly [west: number, south: number, east: number, north: number];

type Land = Feature<Polygon | MultiPolygon>;

let atlas: Promise<readonly { land: Land; box: Box }[]> | undefined;

/** The countries of Natural Earth that lie in a box, without the parts of them that are far outside of it. */
export async function countriesIn(box: Box): Promise<FeatureCollection<MultiPolygon>> {
  atlas ??= readAtlas();
  const around = grown(box);
  const features = (await atlas).flatMap(({ land, box: extent }) => {
    if (!meet(extent, around)) return [];
    const coordinates = polygonsOf(land).filter((rings) => meet(boxOf(rings[0] ?? []), around));
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

const rounded = (ring: readonly Position[]): Position[] =>
  ring.map(([x = 0, y = 0]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000]);

/** Parses `west,south,east,north`. */
export function parseBox(text: string): Box | undefined {
  const [west = Number.NaN, south = Number.NaN, east = Number.NaN, north = Number.NaN] = text.split(',').map(Number);
  const box: Box = [west, south, east, north];
  return box.every(Number.isFinite) ? box : undefined;
}
