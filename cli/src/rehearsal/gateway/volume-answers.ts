import { existsSync, statSync } from 'node:fs';
import { StatementError } from '../sql/errors.ts';
import { CATALOG } from '../sql/rewrite.ts';
import { literal, type Token } from '../sql/tokens.ts';
import { type VolumeStatement, volumeStatement } from '../volumes/statements.ts';
import type { Tickets } from '../volumes/tickets.ts';
import { STAGING } from '../volumes/transfer.ts';
import type { Listed, Volumes } from '../volumes/volumes.ts';

/** The answer to a statement about volumes: a query for its rows. */
export interface Answer {
  readonly sql: string;
  readonly isStaging: boolean;
}

/** What answers depend on. */
interface Site {
  readonly volumes: Volumes;
  readonly tickets: Tickets;
  readonly origin: string;
  /** Asks the session for its schema. */
  currentSchema(): Promise<string>;
}

const NOTHING: Answer = { sql: 'select cast(null as string) as result where false', isStaging: false };

/**
 * Executes a statement about volumes and returns a query for its rows. Spark runs that query, so that the answer takes the same
 * path as all others. Undefined for statements that aren't about volumes.
 */
export async function answerAboutVolumes(statement: readonly Token[], site: Site): Promise<Answer | undefined> {
  const read = volumeStatement(statement);
  if (read === undefined) return undefined;
  const parsed = await withWholeName(read, site);
  if (parsed.verb === 'CREATE' || parsed.verb === 'DROP') return change(parsed, site.volumes);
  if (parsed.verb === 'DESCRIBE') return described(parsed.name, site.volumes);
  if (parsed.verb === 'SHOW') return shown(parsed, site.volumes);
  if (parsed.verb === 'LIST') return { sql: listing(await site.volumes.list(parsed.path)), isStaging: false };
  const file = site.volumes.file(parsed.path);
  const found = existsSync(file) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (parsed.verb === 'PUT' && found !== undefined && (found.isDirectory() || !parsed.overwrite)) {
    const why = found.isDirectory() ? 'is a folder' : 'already exists: use OVERWRITE to replace it';
    throw new StatementError(`[FILE_IN_STAGING_PATH_ALREADY_EXISTS] ${parsed.path} ${why}. SQLSTATE: 42710`, '42710');
  }
  // A missing file is reported by the transfer itself with 404, as cloud storage does.
  const method = parsed.verb === 'REMOVE' ? 'DELETE' : parsed.verb;
  const url = `${site.origin}${STAGING}${site.tickets.issue({ method, file })}`;
  // Drivers rely on the order of these columns as well as on their names.
  const columns = [
    `${literal(parsed.verb)} as operation`,
    `${literal(url)} as presignedUrl`,
    'cast(map() as map<string, string>) as headers',
    ...(parsed.verb === 'REMOVE' ? [] : [`${literal(parsed.localFile)} as localFile`]),
  ];
  return { sql: `select ${columns.join(', ')}`, isStaging: true };
}

/** A volume that is named without its schema is in the session's, and so are those that SHOW lists without one. */
async function withWholeName(parsed: VolumeStatement, { currentSchema }: Site): Promise<VolumeStatement> {
  if ('name' in parsed && parsed.name.length === 1) {
    return { ...parsed, name: [CATALOG, await currentSchema(), ...parsed.name] };
  }
  if (parsed.verb === 'SHOW' && parsed.schema.length === 0) return { ...parsed, schema: [await currentSchema()] };
  return parsed;
}

function described(name: readonly string[], volumes: Volumes): Answer {
  if (!volumes.has(name)) {
    throw new StatementError(
      `[VOLUME_NOT_FOUND] The volume ${name.join('.')} does not exist. SQLSTATE: 42704`,
      '42704',
    );
  }
  const [catalog = '', schema = '', volume = ''] = name.map((part) => literal(part.toLowerCase()));
  const place = literal(`/Volumes/${name.join('/').toLowerCase()}`);
  const columns = {
    name: volume,
    catalog,
    database: schema,
    owner: "''",
    storageLocation: place,
    volumeType: "'MANAGED'",
  };
  const selected = Object.entries(columns).map(([column, value]) => `${value} as ${column}`);
  return { sql: `select ${selected.join(', ')}`, isStaging: false };
}

type Show = Extract<VolumeStatement, { verb: 'SHOW' }>;

/** A name with one part is a schema of the only catalog with tables. */
async function shown({ schema, like }: Show, volumes: Volumes): Promise<Answer> {
  const whole = schema.length === 2 ? schema : [CATALOG, ...schema];
  const names = await volumes.names(whole);
  const rows = names.length > 0 ? names.map((name) => `(${literal(name)})`).join(', ') : "('')";
  const none = names.length > 0 ? '' : ' and false';
  // As in every SHOW statement: `*` matches any characters, `|` separates patterns.
  const pattern = `(?i)^(${(like ?? '*').replaceAll('*', '.*')})$`;
  const filter = `volume_name rlike ${literal(pattern)}${none}`;
  const database = literal((whole[1] ?? '').toLowerCase());
  return {
    sql: `select ${database} as database, volume_name from values ${rows} as t(volume_name) where ${filter} order by 2`,
    isStaging: false,
  };
}

type Change = Extract<VolumeStatement, { verb: 'CREATE' | 'DROP' }>;

async function change({ verb, name, lenient }: Change, volumes: Volumes): Promise<Answer> {
  const done = await (verb === 'CREATE' ? volumes.create(name) : volumes.drop(name));
  if (done || lenient) return NOTHING;
  const [error, sqlState] = verb === 'CREATE' ? ['VOLUME_ALREADY_EXISTS', '42710'] : ['VOLUME_NOT_FOUND', '42704'];
  const is = verb === 'CREATE' ? 'exists already' : 'does not exist';
  throw new StatementError(`[${error}] The volume ${name.join('.')} ${is}. SQLSTATE: ${sqlState}`, sqlState);
}

function listing(files: readonly Listed[]): string {
  const columns = ['path', 'name', 'size', 'modification_time'];
  const row = ({ path, name, size, modifiedMs }: Listed): string =>
    `(${literal(path)}, ${literal(name)}, ${size}L, timestamp_millis(${modifiedMs}L))`;
  const none = { path: '', name: '', size: 0, modifiedMs: 0 };
  const rows = (files.length > 0 ? files : [none]).map(row).join(', ');
  const filter = files.length > 0 ? '' : ' where false';
  return `select * from values ${rows} as t(${columns.join(', ')})${filter} order by path`;
}
