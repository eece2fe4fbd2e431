import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';
import { placesOf } from '../launcher/modules.ts';

const load = createRequire(import.meta.url);
const { setUp }: { setUp(options: object): Promise<void> } = load('../../launcher/setup.cjs');

const places = placesOf({}, process.env, projectRoot);

/** Installs an environment that only tests need, if it is missing. @throws Error with a sentence if that fails. */
export const installEnv = (name: 'landing' | 'clients' | 'go'): Promise<void> =>
  setUp({ args: { quiet: true }, places: { ...places, installed: true }, envs: [name] });

/** A program of an environment. */
export const programIn = (env: string, program = 'python'): string => join(places.toolchain, env, 'bin', program);

/** The folder of an environment's packages. */
export function packagesIn(env: string): string {
  const lib = join(places.toolchain, env, 'lib');
  const [version = ''] = readdirSync(lib).filter((name) => name.startsWith('python'));
  return join(lib, version, 'site-packages');
}
