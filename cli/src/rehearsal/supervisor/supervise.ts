import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../config/errors.ts';
import { makeCertificate } from '../certificate/certificate.ts';
import { Gateway } from '../gateway/gateway.ts';
import { httpsServer } from '../gateway/https.ts';
import { listen } from '../gateway/listen.ts';
import { connectProxy } from '../gateway/proxy.ts';
import { type RehearsalPlaces, rehearsalPlaces } from '../places.ts';
import { SparkLinks } from '../server-link/links.ts';
import { Tickets } from '../volumes/tickets.ts';
import { Volumes } from '../volumes/volumes.ts';
import { writeSecretly } from './files.ts';
import { HOST, HTTP_PATH, type Launch, launchSchema, type Running } from './launch.ts';
import { logFile } from './log-file.ts';
import { SparkKeeper } from './spark-keeper.ts';

/** How often idle sessions are closed (milliseconds). */
const SWEEP_MS = 30_000;

/** Runs the gateway, and Spark behind it, until a signal arrives. @returns the exit code. */
export async function supervise(launchFile: string): Promise<number> {
  const launch = launchSchema.parse(JSON.parse(await readFile(launchFile, 'utf8')));
  const places = rehearsalPlaces(launch);
  const log = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
  const signalled = Promise.race(['SIGTERM', 'SIGINT', 'SIGHUP'].map((signal) => once(process, signal)));
  const keeper = new SparkKeeper(places, launch, log);
  const ports = await openPorts(places, launch, keeper, log);
  log(`gateway on port ${ports.port}, proxy on port ${ports.proxyPort}`);
  keeper.onStarted = (sparkPid) => announce(places, { launch, sparkPid, ...ports });
  const failed = keeper.run().catch((error: unknown) => {
    log(messageOf(error));
    return 2;
  });
  const exitCode = await Promise.race([signalled.then(() => 0), removed(places), failed]);
  await rm(places.stateFile, { force: true });
  await keeper.end();
  return exitCode;
}

/** Resolves when the rehearsal's folder is removed, as by `clean`: without it, nobody could connect any more. */
async function removed(places: RehearsalPlaces): Promise<number> {
  while (existsSync(places.launchFile)) await delay(1000, undefined, { ref: false });
  return 0;
}

interface Ports {
  readonly port: number;
  readonly proxyPort: number;
}

async function openPorts(
  places: RehearsalPlaces,
  launch: Launch,
  keeper: SparkKeeper,
  log: (line: string) => void,
): Promise<Ports> {
  const now = (): number => Date.now();
  const tickets = new Tickets(now);
  const volumes = new Volumes(places.volumes);
  await volumes
    .removeLeftovers()
    .catch((error: unknown) => log(`leftovers of uploads can't be removed: ${messageOf(error)}`));
  const links = new SparkLinks(() => keeper.address());
  const gateway = new Gateway({
    links,
    volumes,
    tickets,
    now,
    onStatement: await statementLog(places),
  });
  const token = randomBytes(24).toString('hex');
  const certificate = makeCertificate([HOST, 'localhost', '127.0.0.1'], now());
  await writeSecretly(places.tokenFile, token);
  await writeSecretly(places.caFile, certificate.ca);
  const port = await listen(httpsServer(certificate, { gateway, tickets, token, log }));
  const proxyPort = await listen(connectProxy(HOST, port));
  void sweep(gateway, Math.min(SWEEP_MS, launch.idleMs), launch.idleMs, log);
  return { port, proxyPort };
}

/** Logs every statement since the start, as one JSON document per line: what dbt and the drivers really send. */
async function statementLog({ statementsLog }: RehearsalPlaces): Promise<(statement: string) => void> {
  await rm(statementsLog, { force: true });
  const log = logFile(statementsLog);
  log('');
  return (statement) => log(`${JSON.stringify({ at: new Date().toISOString(), statement })}\n`);
}

async function sweep(gateway: Gateway, everyMs: number, idleMs: number, log: (line: string) => void): Promise<void> {
  for (;;) {
    await delay(everyMs, undefined, { ref: false });
    await gateway.closeIdle(idleMs).catch((error: unknown) => log(`closing idle sessions: ${messageOf(error)}`));
  }
}

async function announce(
  places: RehearsalPlaces,
  { launch, sparkPid, port, proxyPort }: Ports & { launch: Launch; sparkPid: number },
): Promise<void> {
  const running: Running = {
    run: launch.run,
    pid: process.pid,
    sparkPid,
    host: HOST,
    httpPath: HTTP_PATH,
    port,
    proxyPort,
    startedAt: new Date().toISOString(),
  };
  await writeSecretly(places.stateFile, `${JSON.stringify(running, null, 2)}\n`);
}
