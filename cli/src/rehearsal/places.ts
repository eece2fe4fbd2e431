import { join } from 'node:path';
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

export function rehearsalPlaces(paths: Pick<Paths, 'state' | 'logs'>): RehearsalPlaces {
  const folder = join(paths.state, 'rehearsal');
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
