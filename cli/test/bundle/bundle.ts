import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';

/**
 * The top level of `databricks.yml`, as far as this project uses it. Databricks publishes its schema only inside its CLI
 * (`databricks bundle schema`), so this follows https://docs.databricks.com/dev-tools/bundles/reference.
 */
const resources = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const workspace = z.strictObject({ host: z.url().optional(), root_path: z.string().optional() });
export const bundleSchema = z.strictObject({
  bundle: z.strictObject({ name: z.string().regex(/^[\w-]+$/) }),
  variables: z.record(
    z.string().regex(/^[a-z_]+$/),
    z.strictObject({
      description: z.string(),
      type: z.literal('complex').optional(),
      default: z.union([scalar, z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
    }),
  ),
  sync: z.strictObject({ paths: z.array(z.string()).optional(), exclude: z.array(z.string()).optional() }),
  resources,
  targets: z.record(
    z.string(),
    z.strictObject({
      mode: z.enum(['development', 'production']),
      default: z.boolean().optional(),
      presets: z.strictObject({ trigger_pause_status: z.enum(['PAUSED', 'UNPAUSED']) }).optional(),
      variables: z.record(z.string(), scalar).optional(),
      workspace: workspace.optional(),
      resources: resources.optional(),
    }),
  ),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** The content of `databricks.yml`, not yet validated. */
export async function readBundle(): Promise<unknown> {
  return parse(await readFile(join(projectRoot, 'databricks.yml'), 'utf8'), { uniqueKeys: true });
}

/** Every reference `${…}` in the file, in order of appearance. */
export async function references(): Promise<readonly string[]> {
  const text = await readFile(join(projectRoot, 'databricks.yml'), 'utf8');
  return [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, path]) => path ?? '');
}

/** The problems that Databricks' published definitions find in resources. */
export async function problemsOf(given: unknown): Promise<readonly string[]> {
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  const python = join(toolchain, 'dev/bin/python');
  const { stdout } = await execa(python, [join(import.meta.dirname, 'check_resources.py')], {
    input: JSON.stringify(given),
  }).catch((error: unknown) => {
    throw new Error('The published definitions are not installed: `./meetup test --all` installs them.', {
      cause: error,
    });
  });
  return z.array(z.string()).parse(JSON.parse(stdout));
}
