import * as Plot from '@observablehq/plot';
import type { FeatureCollection } from 'geojson';
import { words } from '../shared/format.ts';
import type { ComponentScript, PageScript, Rows } from '../shared/types.ts';
import { datumsOf, kindOf } from './columns.ts';
import { labelled } from './labelled.ts';

/** The columns that a map needs. */
export const mapColumns = ({ attributes: { latitude, longitude, label, size, color } }: ComponentScript) => [
  latitude,
  longitude,
  label,
  size,
  color,
];

const known = new Map<string, Promise<FeatureCollection>>();

/** The countries around the points: from the server, or from the file beside a static page. */
function countries(page: PageScript, points: readonly (readonly [number, number])[]): Promise<FeatureCollection> {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
    .map((side) => side.toFixed(1))
    .join(',');
  const address = page.mode === 'static' ? `data/${page.id}.atlas.json` : `atlas.json?box=${box}`;
  const found =
    known.get(address) ??
    fetch(address).then(async (response): Promise<FeatureCollection> => {
      if (!response.ok) throw new Error(await response.text());
      return response.json();
    });
  known.set(address, found);
  return found;
}

/** Draws points on a map of the countries around them. */
export async function drawMap(
  component: ComponentScript,
  rows: Rows,
  width: number,
  page: PageScript,
): Promise<Element> {
  const { latitude = '', longitude = '', label = '', size, color } = component.attributes;
  const data = datumsOf(rows).filter(
    (datum) => typeof datum[latitude] === 'number' && typeof datum[longitude] === 'number',
  );
  const points = data.map((datum) => [Number(datum[longitude]), Number(datum[latitude])] as const);
  const land = await countries(page, points);
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
    ],
  });
  return labelled(plot, `Map: ${component.title}. The same numbers are in the table below.`);
}
