import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { RemoteTarget } from '../targets/target.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteText } from '../warehouse/databricks-sql.ts';
import type { DeployContext } from './context.ts';
import { volumePath } from './remote.ts';

/** Keeps the manifest of a deployment on the target, where the next one reads it, from any machine. */
export async function keepManifest(context: DeployContext, deployment: string, manifestFile: string): Promise<string> {
  const packed = `${manifestFile}.gz`;
  await pipeline(createReadStream(manifestFile), createGzip(), createWriteStream(packed));
  const path = manifestPath(context.remote, deployment);
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

const listedSchema = z.array(z.object({ path: z.string(), name: z.string() }));

/**
 * Removes the manifests of earlier deployments, which hold the rows of fixtures as they were, from the target and from this machine.
 * @param kept the paths of those that are still needed, on the target
 */
export async function removeManifests(
  { remote, paths, target }: Pick<DeployContext, 'remote' | 'paths'> & { readonly target: Pick<RemoteTarget, 'name'> },
  kept: readonly (string | null)[],
): Promise<void> {
  for (const { name } of await filesIn(remote, volumePath(remote, DEPLOYMENTS))) {
    const folder = volumePath(remote, DEPLOYMENTS, name.replace(/\/$/, ''));
    for (const file of await filesIn(remote, folder)) {
      const path = `${folder}/${file.name}`;
      if (!kept.includes(path)) await remote.connection.remove(path);
    }
  }
  await rm(join(paths.state, 'deploy', 'manifests', target.name), { recursive: true, force: true });
}

/** What lies directly in a folder of the volume; nothing if it isn't there. */
async function filesIn({ connection }: DeployContext['remote'], folder: string) {
  try {
    return listedSchema.parse(await connection.rows(`list ${quoteText(folder)}`));
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

const DEPLOYMENTS = 'deployments';

const manifestPath = (remote: Pick<DeployContext['remote'], 'catalog'>, deployment: string): string =>
  volumePath(remote, DEPLOYMENTS, deployment, 'manifest.json.gz');

const metadataSchema = z.looseObject({ metadata: z.looseObject({ dbt_version: z.string() }) });

/** The version of dbt that wrote a manifest. */
export async function dbtVersionOf(manifestFile: string): Promise<string> {
  const { metadata } = await readJsonFile(manifestFile, metadataSchema, 'remove it, and try again');
  return metadata.dbt_version;
}
