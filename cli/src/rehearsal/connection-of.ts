import type { RehearsalPlaces } from './places.ts';
import type { Running } from './supervisor/launch.ts';

/** How Databricks' clients reach the rehearsal. */
export interface RehearsalConnection {
  /** A made-up host name on port 443 that only the proxy resolves. */
  readonly host: string;
  readonly httpPath: string;
  readonly token: string;
  /** PEM: the authority that signed the gateway's certificate. */
  readonly caFile: string;
  /** `http://127.0.0.1:…` */
  readonly proxyUrl: string;
  /** For `connectDatabricks`, which doesn't need the proxy. */
  readonly driver: {
    readonly host: string;
    readonly port: number;
    readonly httpPath: string;
    readonly token: string;
    readonly caFile: string;
  };
  /** Environment variables for the target `rehearsal` in profiles.yml. */
  readonly dbtEnvironment: Readonly<Record<string, string>>;
}

/** How to reach a rehearsal, from its state file. */
export function connectionOf(places: RehearsalPlaces, running: Running, token: string): RehearsalConnection {
  const { host, httpPath, port, proxyPort } = running;
  const proxyUrl = `http://127.0.0.1:${proxyPort}`;
  const { caFile } = places;
  return {
    host,
    httpPath,
    token,
    caFile,
    proxyUrl,
    // The address rather than `localhost`, which may resolve to something else.
    driver: { host: '127.0.0.1', port, httpPath, token, caFile },
    dbtEnvironment: {
      MEETUP_REHEARSAL_HOST: host,
      MEETUP_REHEARSAL_HTTP_PATH: httpPath,
      MEETUP_REHEARSAL_TOKEN: token,
      HTTPS_PROXY: proxyUrl,
      https_proxy: proxyUrl,
      // The user's own NO_PROXY must not bypass this proxy.
      NO_PROXY: '',
      no_proxy: '',
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      CURL_CA_BUNDLE: caFile,
      NODE_EXTRA_CA_CERTS: caFile,
    },
  };
}
