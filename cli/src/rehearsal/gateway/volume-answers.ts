import { existsSync, statSync } from 'node:fs';
import { StatementError } from '../sql/errors.ts';
import { literal } from '../sql/tokens.ts';
import { type VolumeStatement, volumeStatement } from '../volumes/statements.ts';
import type { Tickets } from '../volumes/tickets.ts';
import { STAGING } from '../volumes/transfer.ts';
import type { Listed, Volumes } from '../volumes/volumes.ts';

/** A query that gives the rows which answer a statement about volumes. */
export interface Answer {
  readonly sql: string;
  readonly isStaging: boolean;
}

const NOTHING: Answer = { sql: 'select cast(null as string) as result where false', isStaging: false };

/**
 * Does what a statement about volumes says, and gives a query with its rows for Spark to run: so that its answer goes the
 * way of all others. Undefined for statements that are not about volumes.
 */
export async function answerAboutVolumes(
  statement: string,
  site: { volumes: Volumes; tickets: Tickets; origin: string },
): Promise<Answer | undefined> {
  const parsed = volumeStatement(statement);
  if (parsed === undefined) return undefined;
  if (parsed.verb === 'CREATE' || parsed.verb === 'DROP') return change(parsed, site.volumes);
  if (parsed.verb === 'LIST') return { sql: listing(await site.volumes.list(parsed.path)), isStaging: false };
  const file = site.volumes.file(parsed.path);
  const found = existsSync(file) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (parsed.verb === 'PUT' && found !== undefined && (found.isDirectory() || !parsed.overwrite)) {
    const why = found.isDirectory() ? 'is a folder' : 'is there already: say OVERWRITE to replace it';
    throw new StatementError(`[FILE_IN_STAGING_PATH_ALREADY_EXISTS] ${parsed.path} ${why}. SQLSTATE: 42710`, '42710');
  }
  // Of a file that isn't there, the transfer itself says so: 404, as a cloud's storage does.
  const method = parsed.verb === 'REMOVE' ? 'DELETE' : parsed.verb;
  const url = `${site.origin}${STAGING}${site.tickets.issue({ method, file })}`;
  // Drivers go by the order of these columns as well as by their names.
  const columns = [
    `${literal(parsed.verb)} as operation`,
    `${literal(url)} as presignedUrl`,
    'cast(map() as map<string, string>) as headers',
    ...(parsed.verb === 'REMOVE' ? [] : [`${literal(parsed.localFile)} as localFile`]),
  ];
  return { sql: `select ${columns.join(', ')}`, isStaging: true };
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
