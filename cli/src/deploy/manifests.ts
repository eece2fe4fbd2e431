import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { DeployContext } from './context.ts';
import { volumePath } from './remote.ts';

/** Keeps the manifest of a deployment on the target, where the next one reads it, from any machine. */
export async function keepManifest(context: DeployContext, deployment: string, manifestFile: string): Promise<string> {
  const packed = `${manifestFile}.gz`;
  await pipeline(createReadStream(manifestFile), createGzip(), createWriteStream(packed));
  const path = volumePath(context.remote, 'deployments', deployment, 'manifest.json.gz');
  await context.remote.connection.put(packed, path);
  await rm(packed, { force: true });
  return path;
}

/**
 * The folder with the manifest.json that was deployed, fetched once.
 * @returns undefined if nothing was deployed or the manifest is lost. Fingerprints then show what changed, without dbt's reasons.
 */
export async function deployedManifest(
  context: Pick<DeployContext, 'paths' | 'target' | 'remote' | 'effects'>,
  path: string | null,
): Promise<string | undefined> {
  if (path === null) return undefined;
  const deployment = path.split('/').at(-2) ?? 'unknown';
  const folder = join(context.paths.state, 'deploy', 'manifests', context.target.name, deployment);
  const file = join(folder, 'manifest.json');
  if (existsSync(file)) return folder;
  await mkdir(folder, { recursive: true });
  const packed = join(folder, 'manifest.json.gz');
  try {
    await context.remote.connection.get(path, packed);
  } catch (error) {
    if (!(error instanceof MeetupError)) throw error;
    context.effects.reporter.warn(
      `The manifest of ${deployment} can't be fetched (${error.message.split('\n')[0]}): changes are found by fingerprints alone.`,
    );
    return undefined;
  }
  await pipeline(createReadStream(packed), createGunzip(), createWriteStream(`${file}.tmp`));
  await rename(`${file}.tmp`, file);
  await rm(packed, { force: true });
  return folder;
}

const metadataSchema = z.looseObject({ metadata: z.looseObject({ dbt_version: z.string() }) });

/** The version of dbt that wrote a manifest. */
export async function dbtVersionOf(manifestFile: string): Promise<string> {
  const { metadata } = await readJsonFile(manifestFile, metadataSchema, 'remove it, and try again');
  return metadata.dbt_version;
}
