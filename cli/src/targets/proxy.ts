import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';

/**
 * The proxy that leads to a host, as curl and Python read it from the environment.
 * @returns undefined where there is none, or NO_PROXY excepts the host.
 * @throws MeetupError where it is no address.
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
  // curl takes `proxy:3128`, too. What is wrong is not shown: a password may stand in it.
  const proxy = given.includes('://') ? given : `http://${given}`;
  if (/^https?:/i.test(proxy) && URL.canParse(proxy)) return proxy;
  throw new MeetupError('HTTPS_PROXY is not a proxy address: set it to something like http://proxy.example.org:3128.');
}
