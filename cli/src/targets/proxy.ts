import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';

/**
 * The proxy for a host, read from the environment as curl and Python do.
 * @returns undefined if there is none, or NO_PROXY excludes the host.
 * @throws MeetupError if it is not a valid address.
 */
export function proxyFor(host: string, env: Effects['env']): string | undefined {
  const given = env.HTTPS_PROXY || env.https_proxy || undefined;
  if (given === undefined) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || '').split(',').map((name) => name.trim().toLowerCase());
  const isExcepted = exceptions.some((name) => {
    const suffix = name.replace(/^\*?\./, '');
    return (
      name === '*' || (suffix !== '' && (host.toLowerCase() === suffix || host.toLowerCase().endsWith(`.${suffix}`)))
    );
  });
  if (isExcepted) return undefined;
  // curl also accepts `proxy:3128`. An invalid value is not shown, because it may contain a password.
  const proxy = given.includes('://') ? given : `http://${given}`;
  if (/^https?:/i.test(proxy) && URL.canParse(proxy)) return proxy;
  throw new MeetupError('HTTPS_PROXY is not a proxy address: set it to something like http://proxy.example.org:3128.');
}
