import type { RehearsalPlaces } from './places.ts';
import type { Running } from './supervisor/launch.ts';

/** How Databricks' clients reach the rehearsal. */
export interface RehearsalConnection {
  /** A made-up name, on port 443; the proxy knows where it leads. */
  readonly host: string;
  readonly httpPath: string;
  readonly token: string;
  /** PEM: the authority that signed the gateway's certificate. */
  readonly caFile: string;
  /** `http://127.0.0.1:…` */
  readonly proxyUrl: string;
  /** For `connectDatabricks`, which does without the proxy. */
  readonly driver: {
    readonly host: string;
    readonly port: number;
    readonly httpPath: string;
    readonly token: string;
    readonly caFile: string;
  };
  /** What dbt needs in its environment for profiles.yml's target `rehearsal`. */
  readonly dbtEnvironment: Readonly<Record<string, string>>;
}

/** How to reach a rehearsal, from what is written down about it. */
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
    // By its number: what `localhost` leads to is up to each machine.
    driver: { host: '127.0.0.1', port, httpPath, token, caFile },
    dbtEnvironment: {
      MEETUP_REHEARSAL_HOST: host,
      MEETUP_REHEARSAL_HTTP_PATH: httpPath,
      MEETUP_REHEARSAL_TOKEN: token,
      HTTPS_PROXY: proxyUrl,
      https_proxy: proxyUrl,
      // An exception of the user's own must not lead around the proxy.
      NO_PROXY: '',
      no_proxy: '',
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      CURL_CA_BUNDLE: caFile,
      NODE_EXTRA_CA_CERTS: caFile,
    },
  };
}
