import * as Plot from '@observablehq/plot';
import type { FeatureCollection } from 'geojson';
import { words } from '../shared/format.ts';
import { namedPlaces } from '../shared/places.ts';
import type { ComponentScript, PageScript, Rows } from '../shared/types.ts';
import { type Datum, datumsOf, kindOf } from './columns.ts';
import { labelled } from './labelled.ts';

/** The columns that a map needs. */
export const mapColumns = ({ attributes: { latitude, longitude, label, size, color, places } }: ComponentScript) => [
  latitude,
  longitude,
  label,
  size,
  color,
  places,
];

const known = new Map<string, Promise<FeatureCollection>>();

/** The countries around the points: from the server, or from the file beside a static page. */
function countries(page: PageScript, points: readonly Point[]): Promise<FeatureCollection> {
  const address = page.mode === 'static' ? `data/${page.id}.atlas.json` : `atlas.json?box=${boxAround(points)}`;
  const found =
    known.get(address) ??
    fetch(address).then(async (response): Promise<FeatureCollection> => {
      if (!response.ok) throw new Error(await response.text());
      return response.json();
    });
  known.set(address, found);
  // Another try fetches it again.
  found.catch(() => known.delete(address));
  return found;
}

type Point = readonly [longitude: number, latitude: number];

/** In whole degrees, so that points that have moved a little are still in the box that is there already. */
function boxAround(points: readonly Point[]): string {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const [x, y] of points) {
    [west, south] = [Math.min(west, Math.floor(x)), Math.min(south, Math.floor(y))];
    [east, north] = [Math.max(east, Math.ceil(x)), Math.max(north, Math.ceil(y))];
  }
  return [west, south, east, north].join(',');
}

function pointsOf(data: readonly Datum[], longitude: string, latitude: string): Point[] {
  return data.flatMap((datum) => {
    const [x, y] = [datum[longitude], datum[latitude]];
    return typeof x === 'number' && typeof y === 'number' ? [[x, y] as const] : [];
  });
}

export interface MapOptions {
  readonly width: number;
  readonly page: PageScript;
  /** All rows of the query: the countries around them serve whatever is left of them by the filters. */
  readonly all: Rows;
}

/** Draws points on a map of the countries around them. */
export async function drawMap(
  component: ComponentScript,
  rows: Rows,
  { width, page, all }: MapOptions,
): Promise<Element> {
  const { latitude = '', longitude = '', label = '', size, color, places } = component.attributes;
  const data = datumsOf(rows).filter(
    (datum) => typeof datum[latitude] === 'number' && typeof datum[longitude] === 'number',
  );
  const points = pointsOf(data, longitude, latitude);
  const land = await countries(page, pointsOf(datumsOf(all), longitude, latitude));
  const isNumber = color !== undefined && kindOf(rows, color) === 'number';
  const plot = Plot.plot({
    width,
    height: Math.max(300, Math.min(520, width * 0.8)),
    className: 'plot',
    projection: {
      type: 'mercator',
      domain: { type: 'MultiPoint', coordinates: points.map((point) => [...point]) },
      inset: 24,
    },
    r: { range: [2.5, 16] },
    color:
      color === undefined ? {} : { legend: true, label: words(color), scheme: isNumber ? 'viridis' : 'observable10' },
    marks: [
      Plot.geo(land, { fill: 'var(--land)', stroke: 'var(--coast)', strokeWidth: 0.8 }),
      Plot.dot(
        [...data].sort((a, b) => Number(b[size ?? ''] ?? 0) - Number(a[size ?? ''] ?? 0)),
        {
          x: longitude,
          y: latitude,
          r: size ?? 3,
          fill: color ?? 'var(--accent)',
          fillOpacity: 0.65,
          stroke: 'var(--surface)',
          strokeWidth: 0.5,
          channels: { [words(label)]: label },
          tip: true,
        },
      ),
      Plot.text(places === undefined ? [] : namedPlaces(data, { places, latitude, longitude }), {
        x: 'x',
        y: 'y',
        text: 'name',
        dy: -14,
        fill: 'var(--text)',
        stroke: 'var(--surface)',
        strokeWidth: 4,
        fontWeight: 600,
      }),
    ],
  });
  return labelled(plot, `Map: ${component.title}. The same numbers are in the table below.`);
}
