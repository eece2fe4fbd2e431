import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Paths } from '../config/paths.ts';

/** Everything that one rehearsal warehouse keeps, below the state folder. */
export interface RehearsalPlaces {
  readonly folder: string;
  /** What runs and how it is reached; readable by its owner only. */
  readonly stateFile: string;
  readonly tokenFile: string;
  /** The certificate authority that clients are to trust. */
  readonly caFile: string;
  /** Spark's configuration, with the secret path of its server. */
  readonly conf: string;
  /** What the background process is told; its name tells that process from all others. */
  readonly launchFile: string;
  readonly metastore: string;
  readonly warehouse: string;
  readonly volumes: string;
  /** Spark's working folder. */
  readonly scratch: string;
  readonly sparkLog: string;
  readonly gatewayLog: string;
  /** Every statement since the start. */
  readonly statementsLog: string;
}

/** Where a rehearsal keeps what; the same for all the names that links give one state folder. */
export function rehearsalPlaces(paths: Pick<Paths, 'state' | 'logs'>): RehearsalPlaces {
  const folder = join(realFolder(paths.state), 'rehearsal');
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

/** The folder that a path leads to. Processes are found by what they were given, so each folder must have one name. */
function realFolder(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // It is yet to be made, below one that is there.
    return dirname(path) === path ? path : join(realFolder(dirname(path)), basename(path));
  }
}
