import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { hasCode } from '../../config/errors.ts';
import type { Paths } from '../../config/paths.ts';
import { cannotWriteState } from '../../config/state-folder.ts';

/** The secret in the dashboard's address. Kept, so that bookmarks stay valid, in a file that only its owner may read. */
export async function dashboardToken(paths: Paths): Promise<string> {
  const file = join(paths.state, 'dashboard.token');
  try {
    await mkdir(paths.state, { recursive: true });
    try {
      await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      await chmod(file, 0o600);
    }
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
}

/** Cookies are shared by all ports of a host. */
export const cookieName = (port: number): string => `meetup_dashboard_${port}`;

/** Whether a request carries the token, in its address or in the cookie that the address sets. */
export function isAuthorized(request: IncomingMessage, search: URLSearchParams, token: string, port: number): boolean {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  const start = `${cookieName(port)}=`;
  const cookie = cookies.find((one) => one.startsWith(start))?.slice(start.length);
  return [search.get('token'), cookie].some((given) => given !== null && given !== undefined && isSame(given, token));
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
