/** The four kinds of record that Meetup's files hold, in the order in which they are loaded. */
export const entityNames = ['groups', 'users', 'venues', 'events'] as const;
export type EntityName = (typeof entityNames)[number];

/** How DuckDB holds an entity. */
export interface Entity {
  readonly name: EntityName;
  /** Column names with DuckDB types: declared, never guessed. */
  readonly columns: readonly (readonly [name: string, type: string])[];
}

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
  },
};
