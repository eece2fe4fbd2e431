import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeetupError } from '../../config/errors.ts';
import { COMMAND, isCheckout, projectRoot, sourceFolder } from '../../config/paths.ts';

/** The pages' script and style, which the launcher bundles when it compiles the command line. */
export const ASSETS = ['client.js', 'client.css'] as const;
export type Asset = (typeof ASSETS)[number];

export const assetTypes: Readonly<Record<Asset, string>> = {
  'client.js': 'text/javascript; charset=utf-8',
  'client.css': 'text/css; charset=utf-8',
};

const folder = isCheckout
  ? join(projectRoot, 'dist', 'dashboard', 'assets')
  : join(sourceFolder, 'dashboard', 'assets');

/** Reads one of them. @throws MeetupError if they were never made. */
export async function readAsset(name: Asset): Promise<Buffer> {
  const file = join(folder, name);
  if (existsSync(file)) return readFile(file);
  throw new MeetupError(`${file} is missing: run \`${COMMAND} --version\`, which makes what is missing.`);
}
