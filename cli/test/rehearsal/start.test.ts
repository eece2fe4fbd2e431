import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../src/rehearsal/certificate/certificate.ts';
import { listen } from '../../src/rehearsal/gateway/listen.ts';
import { type RehearsalPlaces, rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { HOST, HTTP_PATH, type Running } from '../../src/rehearsal/supervisor/launch.ts';
import { spawnSupervisor } from '../../src/rehearsal/supervisor/spawn.ts';
import { untilItAnswers } from '../../src/rehearsal/until-it-answers.ts';
import { javaOptionsOf } from '../../src/rehearsal/up.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';

async function placesOnDisk(): Promise<RehearsalPlaces> {
  const paths = await temporaryPaths();
  const places = rehearsalPlaces(paths);
  await mkdir(places.folder, { recursive: true });
  await mkdir(paths.logs, { recursive: true });
  return places;
}

/** Effects with a clock that advances by a minute with each reading. */
function hurriedEffects() {
  let elapsed = 0;
  const clock = {
    now: () => Date.now(),
    elapsed: () => {
      elapsed += 60_000;
      return elapsed;
    },
  };
  return quietEffects({ clock });
}

/** A port on which no process listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('waiting for a rehearsal to start', () => {
  it('times out with the last problem and the paths of the logs', async () => {
    const places = await placesOnDisk();
    const running: Running = {
      run: 'this',
      pid: process.pid,
      sparkPid: 1,
      host: HOST,
      httpPath: HTTP_PATH,
      port: await freePort(),
      proxyPort: 1,
      startedAt: '2026-01-01T00:00:00Z',
    };
    await writeFile(places.stateFile, JSON.stringify(running));
    await writeFile(places.tokenFile, 'token');
    await writeFile(places.caFile, makeCertificate([HOST], Date.now()).ca);
    const waiting = untilItAnswers(places, { run: 'this', pid: process.pid }, hurriedEffects());
    await expect(waiting).rejects.toThrow(
      /^The rehearsal has not answered after 300 s \(127\.0\.0\.1 can't be reached \(.*\)\): see .*rehearsal-spark\.log and .*\.$/,
    );
  });

  it('times out if the background process has written no state', async () => {
    const places = await placesOnDisk();
    const waiting = untilItAnswers(places, { run: 'this', pid: process.pid }, hurriedEffects());
    await expect(waiting).rejects.toThrow('after 300 s (Spark is not listening yet)');
  });
});

it('a background process that cannot be started is an error', async () => {
  const places = await placesOnDisk();
  const nowhere = { ...places, folder: `${places.folder}/none` };
  await expect(spawnSupervisor(nowhere, {})).rejects.toThrow(/background process can't be started \(.*ENOENT/);
});

describe('MEETUP_REHEARSAL_JAVA_OPTIONS', () => {
  it('takes options separated by spaces', () => {
    expect(javaOptionsOf({})).toEqual([]);
    expect(javaOptionsOf({ MEETUP_REHEARSAL_JAVA_OPTIONS: ' -Xms1g  -Dspark.sql.adaptive.enabled=false' })).toEqual([
      '-Xms1g',
      '-Dspark.sql.adaptive.enabled=false',
    ]);
  });

  it('is refused if a word in it is not an option', () => {
    expect(() => javaOptionsOf({ MEETUP_REHEARSAL_JAVA_OPTIONS: '-Xms1g Main' })).toThrow(
      "MEETUP_REHEARSAL_JAVA_OPTIONS takes options that begin with -, separated by spaces, but got 'Main'.",
    );
  });
});
