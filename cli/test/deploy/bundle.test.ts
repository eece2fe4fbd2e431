import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { deployBundle, requireBundle } from '../../src/deploy/bundle.ts';
import type { RemoteTarget } from '../../src/targets/target.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

const TARGET: RemoteTarget = {
  name: 'prod',
  catalog: 'shop',
  options: { host: 'example.org', httpPath: '/sql/1.0/warehouses/abc123', catalog: 'shop' },
  environment: { DATABRICKS_TOKEN: 'secret' },
};

/** A project with a bundle, and a `databricks` on the PATH that runs this script. */
async function projectWith(script: string) {
  const folder = await temporaryFolder();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'databricks'), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, 'databricks'), 0o755);
  await writeFile(join(folder, 'databricks.yml'), 'bundle: {name: shop}\n');
  await writeFile(join(folder, 'dbt_project.yml'), 'name: shop\n');
  const paths = resolvePaths({}, { MEETUP_PROJECT_DIR: folder }, folder);
  const effects = quietEffects({ env: { PATH: `${bin}:/usr/bin:/bin` } });
  return { folder, paths, effects };
}

describe('the bundle of a deployment', () => {
  it('must have the task that loads landed files, if files land on the target', async () => {
    const { folder, paths, effects } = await projectWith('exit 0');
    await writeFile(join(folder, 'meetup.yml'), 'landed: {targets: [prod], volume: arrived.drops}\n');
    const landing = resolvePaths({}, { MEETUP_PROJECT_DIR: folder }, folder);
    await expect(requireBundle(landing, 'prod', effects)).rejects.toThrow(
      'databricks.yml has no task that runs landing/land_files.py',
    );
    await writeFile(join(folder, 'databricks.yml'), 'python_file: ./landing/land_files.py\n');
    await requireBundle(landing, 'prod', effects);
    await requireBundle(paths, 'prod', effects);
  });

  it("is deployed by Databricks' CLI in the project's folder, with the target's warehouse, catalog and credentials", async () => {
    const script = `pwd > "$0.log"; printf '%s\\n' "$@" "$DATABRICKS_TOKEN" >> "$0.log"`;
    const { folder, paths, effects } = await projectWith(script);
    await requireBundle(paths, 'prod', effects);
    expect(await deployBundle(paths, TARGET, effects)).toBeUndefined();
    expect((await readFile(join(folder, 'bin/databricks.log'), 'utf8')).trim().split('\n')).toEqual([
      folder,
      'bundle',
      'deploy',
      '--target',
      'prod',
      '--var',
      'warehouse_id=abc123',
      '--var',
      'catalog=shop',
      'secret',
    ]);
  });

  it("has failed if the CLI fails, for the CLI's reason", async () => {
    const script = `echo Uploading...; echo 'Error: cannot configure default credentials' >&2; exit 1`;
    const { paths, effects } = await projectWith(script);
    expect(await deployBundle(paths, TARGET, effects)).toBe('cannot configure default credentials');
  });

  it('is not deployed with the HTTP path of a cluster, which is no warehouse', async () => {
    const { paths, effects } = await projectWith('exit 0');
    const cluster = { ...TARGET, options: { ...TARGET.options, httpPath: '/sql/protocolv1/o/1/0123-456' } };
    expect(await deployBundle(paths, cluster, effects)).toBe(
      'its job needs a SQL warehouse, and the HTTP path /sql/protocolv1/o/1/0123-456 is not of one',
    );
  });

  it('has not failed if it is interrupted', async () => {
    const { paths, effects } = await projectWith('exec sleep 60');
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await expect(deployBundle(paths, TARGET, { ...effects, signal: stop.signal })).rejects.toThrow(InterruptedError);
  });

  it('is refused before anything is done if there is no CLI, no bundle or no Databricks', async () => {
    const { folder, paths, effects } = await projectWith('exit 127');
    await expect(requireBundle(paths, 'prod', effects)).rejects.toThrow('--bundle needs the Databricks CLI');
    await expect(requireBundle(paths, 'rehearsal', effects)).rejects.toThrow('rehearsal runs no jobs');
    const elsewhere = { ...paths, root: join(folder, 'bin') };
    await expect(requireBundle(elsewhere, 'prod', effects)).rejects.toThrow('There is no databricks.yml in ');
  });
});
