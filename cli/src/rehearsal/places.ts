import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Paths } from '../config/paths.ts';

/** The files and folders of one rehearsal, below the state folder. */
export interface RehearsalPlaces {
  readonly folder: string;
  /** What is running and how to reach it; readable only by its owner. */
  readonly stateFile: string;
  readonly tokenFile: string;
  /** The certificate authority that clients should trust. */
  readonly caFile: string;
  /** Spark's configuration, with the secret path of its server. */
  readonly conf: string;
  /** The background process's settings; their path on its command line identifies the process. */
  readonly launchFile: string;
  readonly metastore: string;
  readonly warehouse: string;
  readonly volumes: string;
  /** Spark's working folder. */
  readonly scratch: string;
  readonly sparkLog: string;
  readonly gatewayLog: string;
  /** The log of every statement since the start. */
  readonly statementsLog: string;
}

/**
 * The places of a rehearsal; the same for every path that leads to its folder through links. State folders share a rehearsal if
 * `rehearsal` in one is a link to that of another.
 */
export function rehearsalPlaces(paths: Pick<Paths, 'state' | 'logs'>): RehearsalPlaces {
  const folder = realFolder(join(paths.state, 'rehearsal'));
  return {
    folder,
    stateFile: join(folder, 'rehearsal.json'),
    tokenFile: join(folder, 'token'),
    caFile: join(folder, 'ca.pem'),
    conf: join(folder, 'conf'),
    launchFile: join(folder, 'conf', 'launch.json'),
    metastore: join(folder, 'metastore'),
    warehouse: join(folder, 'warehouse'),
    volumes: join(folder, 'volumes'),
    scratch: join(folder, 'scratch'),
    sparkLog: join(paths.logs, 'rehearsal-spark.log'),
    gatewayLog: join(paths.logs, 'rehearsal-gateway.log'),
    statementsLog: join(paths.logs, 'rehearsal-statements.log'),
  };
}

/** Resolves links. Processes are found by paths on their command lines, so each folder must have only one. */
function realFolder(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // It doesn't exist yet, so resolve the nearest existing folder above it.
    return dirname(path) === path ? path : join(realFolder(dirname(path)), basename(path));
  }
}
