import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { messageOf } from '../../../src/config/errors.ts';
import { installEnv, programIn } from '../../support/python-env.ts';
import { Unavailable } from './run-client.ts';

const SOURCES = fileURLToPath(new URL('go', import.meta.url));
/** A program that isn't optimised is built in two thirds of the time. */
const BUILD = ['build', '-trimpath', '-gcflags=all=-N -l', '-ldflags=-s -w'];

/**
 * The client in Go, built once per toolchain: that takes a minute of CPU time.
 * @throws Unavailable if Go or its modules can't be fetched here.
 */
export async function goClient(folder: string): Promise<string> {
  const client = join(folder, `go-client-${await fingerprint()}`);
  if (existsSync(client)) return client;
  await mkdir(dirname(client), { recursive: true });
  await orUnavailable('Go', () => installEnv('go'));
  await orUnavailable('the modules for Go', () => go(['mod', 'download']));
  const staging = `${client}.${process.pid}`;
  try {
    await go([...BUILD, '-o', staging, '.']);
    await rename(staging, client);
  } finally {
    await rm(staging, { force: true });
  }
  return client;
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(BUILD.join(' '));
  const inputs = ['main.go', 'go.mod', 'go.sum'].map((name) => join(SOURCES, name));
  const requirements = fileURLToPath(new URL('../../../../dbt/requirements-go.txt', import.meta.url));
  for (const file of [...inputs, requirements]) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 12);
}

/** No other Go is downloaded, and go.sum alone says what the modules have to be. */
const go = async (args: readonly string[]): Promise<unknown> =>
  execa(programIn('go', 'go'), args, {
    cwd: SOURCES,
    env: { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off', CGO_ENABLED: '0' },
  });

/** What uv and Go say about files that arrived, but are others than they have to be: that is no reason to skip a test. */
const WRONG_FILES = /(checksum|hash) mismatch|missing go\.sum entry|updates to go\.mod needed/i;

async function orUnavailable(what: string, fetch: () => Promise<unknown>): Promise<void> {
  try {
    await fetch();
  } catch (error) {
    if (WRONG_FILES.test(messageOf(error))) throw error;
    throw new Unavailable(`${what} can't be installed here: ${messageOf(error)}`);
  }
}
