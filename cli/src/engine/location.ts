import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { isAlive } from '../config/processes.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { noTemporaryFolder } from '../config/temporary-folder.ts';
import { PROTOCOL } from './protocol.ts';

/** The longest socket path that every platform supports: macOS has 104 bytes, including the final NUL. */
const LONGEST_SOCKET_PATH = 103;

const sharedSchema = z.object({ socket: z.string(), pid: z.number(), protocol: z.number() });

/** A shared engine, as announced in the state folder. */
export type SharedEngine = z.infer<typeof sharedSchema>;

const sharedFile = (paths: Paths): string => join(paths.state, 'engine.json');
const tokenFile = (paths: Paths): string => join(paths.state, 'engine.token');

/** The secret that clients authenticate with. Created on demand, in a file that only its owner may read. */
export async function engineToken(paths: Paths): Promise<{ file: string; token: string }> {
  const file = tokenFile(paths);
  try {
    await mkdir(paths.state, { recursive: true });
    try {
      await writeFile(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      await chmod(file, 0o600);
    }
    return { file, token: (await readFile(file, 'utf8')).trim() };
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
}

let sockets = 0;

/** A path for a new socket: in the state folder, or in the system's temporary folder if that path would be too long. */
export async function newSocketPath(paths: Paths): Promise<string> {
  sockets += 1;
  const name = `engine-${process.pid}-${sockets}.sock`;
  const inState = join(paths.state, name);
  await removeDeadSockets(paths.state);
  if (Buffer.byteLength(inState) <= LONGEST_SOCKET_PATH) return inState;
  const folder = shortFolder(paths);
  try {
    // Not recursive: if the temporary folder doesn't exist, TMPDIR is wrong.
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw noTemporaryFolder(error);
  }
  await chmod(folder, 0o700);
  await removeDeadSockets(folder);
  return join(folder, name);
}

function shortFolder(paths: Paths): string {
  const user = process.getuid?.() ?? 0;
  return join(tmpdir(), `meetup-${user}-${createHash('sha256').update(paths.state).digest('hex').slice(0, 10)}`);
}

/** Announces a shared engine to other processes. */
export async function announceEngine(paths: Paths, engine: { socket: string; pid: number }): Promise<void> {
  await writeAtomically(sharedFile(paths), JSON.stringify({ ...engine, protocol: PROTOCOL }));
}

/** Withdraws the announcement unless another engine has been announced since. */
export async function withdrawEngine(paths: Paths, pid: number): Promise<void> {
  if ((await announcedEngine(paths))?.pid === pid) await rm(sharedFile(paths), { force: true });
}

/** The engine that another process announced; it may be gone. */
export async function announcedEngine(paths: Paths): Promise<SharedEngine | undefined> {
  try {
    const parsed = sharedSchema.safeParse(JSON.parse(await readFile(sharedFile(paths), 'utf8')));
    return parsed.success && parsed.data.protocol === PROTOCOL ? parsed.data : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Removes the sockets of killed processes. */
async function removeDeadSockets(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^engine-(\d+)-\d+\.sock$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

/** The path of a log file, whose folder is created. */
export async function logFile(paths: Paths, name: string): Promise<string> {
  const file = join(paths.logs, name);
  await mkdir(dirname(file), { recursive: true });
  return file;
}
