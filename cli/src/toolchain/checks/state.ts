import { existsSync, statSync } from 'node:fs';
import { access, constants, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MeetupError } from '../../config/errors.ts';
import { reasonOf } from '../../config/explain.ts';
import { setupOwner } from '../../config/launcher.ts';
import { formatBytes } from '../../text/text.ts';
import { openPublished } from '../../warehouse/duckdb.ts';
import { tryLock } from '../../warehouse/lock.ts';
import { type Check, type DoctorContext, fail, ok, warn } from './check.ts';

/** dbt's environment and the Node packages take about 800 MB; a build of the sample data little more. */
const SCARCE_BYTES = 2e9;
const NOT_ENOUGH_BYTES = 3e8;

export async function checkDisk({ paths }: DoctorContext): Promise<Check> {
  const { bavail, bsize } = await statfs(nearestFolder(paths.state));
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free`;
  const fix = 'free some space, or choose another state folder with --state-dir';
  if (free < NOT_ENOUGH_BYTES) return fail('Disk', detail, fix);
  return free < SCARCE_BYTES ? warn('Disk', detail, fix) : ok('Disk', detail);
}

export async function checkStateFolder({ paths }: DoctorContext): Promise<Check> {
  const name = 'State folder';
  try {
    if (existsSync(paths.state)) await writeAndRemove(paths.state);
    else await makeable(paths.state);
  } catch (error) {
    const fix = 'make it writable, or choose another with --state-dir or MEETUP_STATE_DIR';
    return fail(name, `${paths.state} can't be written (${reasonOf(error)})`, fix);
  }
  return ok(name, existsSync(paths.state) ? paths.state : `${paths.state} (not created yet)`);
}

/** A running command is not a problem; this shows what other commands would wait for. */
export async function checkLocks({ paths }: DoctorContext): Promise<Check> {
  const name = 'Running';
  const busy: string[] = [];
  const setup = setupOwner(paths);
  if (setup !== undefined) busy.push(`process ${setup} is setting up`);
  for (const [lock, does] of [
    ['write', 'is loading or building'],
    ['watch', 'is watching'],
  ] as const) {
    if (!existsSync(join(paths.state, `${lock}.lock`))) continue;
    const held = await tryLock(paths, lock);
    if ('release' in held) held.release();
    else busy.push(`${held.heldBy === undefined ? 'a process' : `process ${held.heldBy}`} ${does}`);
  }
  return ok(name, busy.length === 0 ? 'no other meetup process is running' : busy.join(', '));
}

export async function checkDatabase({ paths }: DoctorContext): Promise<Check> {
  const name = 'Database';
  if (!existsSync(paths.database)) return ok(name, 'not created yet (`./meetup dev` creates it)');
  try {
    const warehouse = await openPublished(paths);
    try {
      const { rows } = await warehouse.query(
        "select table_schema, table_name from information_schema.tables where table_schema not in ('raw', 'main')",
      );
      const marts = rows.filter(([schema]) => paths.settings.public?.includes(String(schema)) ?? true);
      return ok(
        name,
        `${paths.database}, ${marts.length} ${paths.settings.public === undefined ? 'relations' : 'marts'}`,
      );
    } finally {
      await warehouse.close();
    }
  } catch (error) {
    if (!(error instanceof MeetupError)) throw error;
    return fail(name, error.message, '`./meetup clean` removes it and `./meetup dev` builds it again from the data');
  }
}

/** Whether a missing folder could be created, without creating it. */
async function makeable(folder: string): Promise<void> {
  const nearest = nearestFolder(folder);
  if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is a file`);
  await access(nearest, constants.W_OK);
}

async function writeAndRemove(folder: string): Promise<void> {
  const probe = join(folder, `doctor.${process.pid}.tmp`);
  await writeFile(probe, 'x');
  await rm(probe);
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}
