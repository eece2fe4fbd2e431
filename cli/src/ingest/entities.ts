/** The four kinds of record that Meetup's files hold, in the order in which they are loaded. */
export const entityNames = ['groups', 'users', 'venues', 'events'] as const;
export type EntityName = (typeof entityNames)[number];

/** How DuckDB holds an entity, and how it tells, cheaply, that a record is beyond doubt. */
export interface Entity {
  readonly name: EntityName;
  /** Column names with DuckDB types: declared, never guessed. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** The same as a structure for DuckDB's json_transform. */
  readonly structure: object;
  /**
   * SQL over the typed columns that holds only for records within the schema's ranges. Left out for small files, whose
   * records all go to ajv.
   */
  readonly inRange?: string;
  /** The schema's keys by the kind of JSON value that DuckDB reads without changing it. */
  readonly keys: {
    readonly integers: readonly string[];
    readonly texts: readonly string[];
    readonly lists: readonly string[];
  };
  /** Keys of the objects inside the record's list. */
  readonly nestedKeys: readonly string[];
}

const SAFE = String(Number.MAX_SAFE_INTEGER);
const END = '4102444799999';
const isId = (column: string): string => `coalesce(${column} between 1 and ${SAFE}, false)`;
const isMoment = (column: string): string => `coalesce(${column} between 0 and ${END}, false)`;
const optional = (column: string, from: number, to: string): string =>
  `coalesce(${column} between ${from} and ${to}, true)`;

export const entities: Readonly<Record<EntityName, Entity>> = {
  groups: {
    name: 'groups',
    columns: [
      ['group_id', 'BIGINT'],
      ['name', 'VARCHAR'],
      ['description', 'VARCHAR'],
      ['link', 'VARCHAR'],
      ['city', 'VARCHAR'],
      ['created', 'BIGINT'],
      ['lat', 'DOUBLE'],
      ['lon', 'DOUBLE'],
      ['topics', 'VARCHAR[]'],
    ],
    structure: {
      group_id: 'BIGINT',
      name: 'VARCHAR',
      description: 'VARCHAR',
      link: 'VARCHAR',
      city: 'VARCHAR',
      created: 'BIGINT',
      lat: 'DOUBLE',
      lon: 'DOUBLE',
      topics: ['VARCHAR'],
    },
    keys: { integers: [], texts: [], lists: [] },
    nestedKeys: [],
  },
  users: {
    name: 'users',
    columns: [
      ['user_id', 'BIGINT'],
      ['city', 'VARCHAR'],
      ['country', 'VARCHAR'],
      ['hometown', 'VARCHAR'],
      ['memberships', 'STRUCT(joined BIGINT, group_id BIGINT)[]'],
    ],
    structure: {
      user_id: 'BIGINT',
      city: 'VARCHAR',
      country: 'VARCHAR',
      hometown: 'VARCHAR',
      memberships: [{ joined: 'BIGINT', group_id: 'BIGINT' }],
    },
    inRange: `${isId('user_id')} and coalesce(regexp_full_match(country, '[A-Za-z]{2}'), true)
      and coalesce(list_bool_and(list_transform(memberships, lambda m: ${isMoment('m.joined')} and ${isId('m.group_id')})), true)`,
    keys: {
      integers: ['user_id', 'joined', 'group_id'],
      texts: ['city', 'country', 'hometown'],
      lists: ['memberships'],
    },
    nestedKeys: ['joined', 'group_id'],
  },
  venues: {
    name: 'venues',
    columns: [
      ['venue_id', 'BIGINT'],
      ['name', 'VARCHAR'],
      ['city', 'VARCHAR'],
      ['country', 'VARCHAR'],
      ['lat', 'DOUBLE'],
      ['lon', 'DOUBLE'],
    ],
    structure: {
      venue_id: 'BIGINT',
      name: 'VARCHAR',
      city: 'VARCHAR',
      country: 'VARCHAR',
      lat: 'DOUBLE',
      lon: 'DOUBLE',
    },
    keys: { integers: [], texts: [], lists: [] },
    nestedKeys: [],
  },
  events: {
    name: 'events',
    columns: [
      ['group_id', 'BIGINT'],
      ['name', 'VARCHAR'],
      ['description', 'VARCHAR'],
      ['created', 'BIGINT'],
      ['time', 'BIGINT'],
      ['duration', 'BIGINT'],
      ['rsvp_limit', 'BIGINT'],
      ['venue_id', 'BIGINT'],
      ['status', 'VARCHAR'],
      ['rsvps', 'STRUCT(user_id BIGINT, "when" BIGINT, response VARCHAR, guests BIGINT)[]'],
    ],
    structure: {
      group_id: 'BIGINT',
      name: 'VARCHAR',
      description: 'VARCHAR',
      created: 'BIGINT',
      time: 'BIGINT',
      duration: 'BIGINT',
      rsvp_limit: 'BIGINT',
      venue_id: 'BIGINT',
      status: 'VARCHAR',
      rsvps: [{ user_id: 'BIGINT', when: 'BIGINT', response: 'VARCHAR', guests: 'BIGINT' }],
    },
    inRange: `${isId('group_id')} and coalesce(name <> '', false) and ${isMoment('created')} and ${isMoment('"time"')}
      and ${optional('duration', 0, SAFE)} and ${optional('rsvp_limit', 0, SAFE)} and ${optional('venue_id', 1, SAFE)}
      and coalesce(status <> '', true)
      and coalesce(list_bool_and(list_transform(rsvps, lambda r: ${isId('r.user_id')} and ${isMoment('r."when"')}
        and coalesce(r.response in ('yes', 'no', 'waitlist'), false) and ${optional('r.guests', 0, '1000')})), true)`,
    keys: {
      integers: ['group_id', 'created', 'time', 'duration', 'rsvp_limit', 'venue_id', 'user_id', 'when', 'guests'],
      texts: ['name', 'description', 'status', 'response'],
      lists: ['rsvps'],
    },
    nestedKeys: ['user_id', 'when', 'response', 'guests'],
  },
};

/**
 * A pattern (RE2) that fits the text of every record in which DuckDB could read a value otherwise than JSON says: a
 * text where the schema wants a number, 1.5 for an integer, a number where it wants a text, an escaped or repeated
 * key, … It also fits some harmless records; those cost a second look by ajv, and no more.
 */
export function doubtPattern(entity: Entity): string {
  const { integers, texts, lists } = entity.keys;
  const anyOf = (names: readonly string[]): string => `"(?:${names.join('|')})"\\s*:\\s*`;
  const nested = anyOf(entity.nestedKeys);
  return [
    // A number that is no plain integer of at most 15 digits, or no number at all.
    `${anyOf(integers)}(?:[^0-9n\\s-]|-?[0-9]+[.eE]|-?[0-9]{16})`,
    `${anyOf(texts)}[^"n\\s]`,
    `${anyOf(lists)}(?:[^\\[n\\s]|\\[\\s*[^{\\]\\s])`,
    // A key written with an escape.
    '\\\\u[0-9a-fA-F]{4}[^"]*"\\s*:',
    // The same key twice in one object: JSON takes the last, DuckDB the first.
    ...entity.nestedKeys.map((key) => `"${key}"\\s*:[^{}]*"${key}"\\s*:`),
    `${nested}[^{}]*"\\s*:\\s*[\\[{]`,
  ].join('|');
}
