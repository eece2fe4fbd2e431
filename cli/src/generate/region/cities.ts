/** Areas between which people rarely travel for an evening. */
export const AREAS = [
  'Amsterdam',
  'South Holland',
  'Utrecht',
  'Brabant',
  'North and East',
  'Flanders',
  'Rhine and Ruhr',
] as const;

export interface City {
  readonly name: string;
  readonly country: 'nl' | 'be' | 'de';
  /** Index in AREAS. */
  readonly area: number;
  readonly lat: number;
  readonly lon: number;
  /** The city's weight in the region's tech scene. */
  readonly weight: number;
}

const city = (
  name: string,
  country: City['country'],
  area: number,
  lat: number,
  lon: number,
  weight: number,
): City => ({
  name,
  country,
  area,
  lat,
  lon,
  weight,
});

/** Cities within about a hundred miles of Amsterdam. */
export const CITIES: readonly [City, ...City[]] = [
  city('Amsterdam', 'nl', 0, 52.3702, 4.8952, 34),
  city('Haarlem', 'nl', 0, 52.3874, 4.6462, 2),
  city('Almere', 'nl', 0, 52.3508, 5.2647, 1.2),
  city('Zaandam', 'nl', 0, 52.442, 4.8292, 0.6),
  city('Hoofddorp', 'nl', 0, 52.306, 4.6907, 0.8),
  city('Rotterdam', 'nl', 1, 51.9244, 4.4777, 9),
  city('Den Haag', 'nl', 1, 52.0705, 4.3007, 6),
  city('Delft', 'nl', 1, 52.0116, 4.3571, 3),
  city('Leiden', 'nl', 1, 52.1601, 4.497, 2.2),
  city('Gouda', 'nl', 1, 52.0115, 4.7105, 0.5),
  city('Utrecht', 'nl', 2, 52.0907, 5.1214, 11),
  city('Amersfoort', 'nl', 2, 52.1561, 5.3878, 1.6),
  city('Hilversum', 'nl', 2, 52.2292, 5.1669, 1.2),
  city('Nieuwegein', 'nl', 2, 52.0292, 5.0806, 0.8),
  city('Eindhoven', 'nl', 3, 51.4416, 5.4697, 6.5),
  city("'s-Hertogenbosch", 'nl', 3, 51.6978, 5.3037, 1.5),
  city('Tilburg', 'nl', 3, 51.5555, 5.0913, 1.4),
  city('Breda', 'nl', 3, 51.5719, 4.7683, 1.6),
  city('Nijmegen', 'nl', 4, 51.8126, 5.8372, 1.8),
  city('Arnhem', 'nl', 4, 51.9851, 5.8987, 1.6),
  city('Apeldoorn', 'nl', 4, 52.2112, 5.9699, 0.8),
  city('Deventer', 'nl', 4, 52.255, 6.1639, 0.5),
  city('Zwolle', 'nl', 4, 52.5168, 6.083, 1.2),
  city('Enschede', 'nl', 4, 52.2215, 6.8937, 1.7),
  city('Groningen', 'nl', 4, 53.2194, 6.5665, 2.6),
  city('Leeuwarden', 'nl', 4, 53.2012, 5.7999, 0.6),
  city('Antwerpen', 'be', 5, 51.2194, 4.4025, 4.4),
  city('Gent', 'be', 5, 51.0543, 3.7174, 3.6),
  city('Brussel', 'be', 5, 50.8503, 4.3517, 7),
  city('Leuven', 'be', 5, 50.8798, 4.7005, 2),
  city('Mechelen', 'be', 5, 51.0259, 4.4776, 0.9),
  city('Hasselt', 'be', 5, 50.9307, 5.3378, 0.7),
  city('Turnhout', 'be', 5, 51.3225, 4.9447, 0.3),
  city('Düsseldorf', 'de', 6, 51.2277, 6.7735, 5),
  city('Essen', 'de', 6, 51.4556, 7.0116, 1.6),
  city('Duisburg', 'de', 6, 51.4344, 6.7623, 0.9),
  city('Krefeld', 'de', 6, 51.3388, 6.5853, 0.6),
  city('Mönchengladbach', 'de', 6, 51.1805, 6.4428, 0.5),
  city('Moers', 'de', 6, 51.4516, 6.6408, 0.2),
  city('Kleve', 'de', 6, 51.7883, 6.1385, 0.2),
  city('Nordhorn', 'de', 4, 52.4319, 7.0684, 0.2),
];
