import type { Effects } from '../config/effects.ts';

/**
 * The proxy that leads to a host, as curl and Python read it from the environment.
 * @returns undefined where there is none, or NO_PROXY excepts the host.
 */
export function proxyFor(host: string, env: Effects['env']): string | undefined {
  const proxy = env.HTTPS_PROXY || env.https_proxy || undefined;
  if (proxy === undefined) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || '').split(',').map((name) => name.trim().toLowerCase());
  const isExcepted = exceptions.some((name) => {
    const suffix = name.replace(/^\*?\./, '');
    return (
      name === '*' || (suffix !== '' && (host.toLowerCase() === suffix || host.toLowerCase().endsWith(`.${suffix}`)))
    );
  });
  return isExcepted ? undefined : proxy;
}
