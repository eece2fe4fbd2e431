import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { COMMAND, type Paths } from '../config/paths.ts';
import { landedOn } from '../config/project/landed-settings.ts';
import { readContracts } from '../ingest/schemas.ts';
import { LANDING_PROGRAM, landingFiles } from '../landing/files.ts';
import type { RemoteTarget } from '../targets/target.ts';

const FILE = 'databricks.yml';

/**
 * Checks that a bundle can be deployed, before anything else is done.
 * @throws MeetupError if there is no bundle or no Databricks CLI, or the target isn't in Databricks.
 */
export async function requireBundle({ root, settings }: Paths, target: string, { env }: Effects): Promise<void> {
  if (target !== 'prod') throw new MeetupError(`--bundle is for target prod: ${target} runs no jobs.`);
  if (!existsSync(join(root, FILE))) {
    throw new MeetupError(
      `There is no ${FILE} in ${root}, so --bundle has nothing to deploy: add one, or leave out --bundle.`,
    );
  }
  if (
    landedOn(settings, target) !== undefined &&
    !(await readFile(join(root, FILE), 'utf8')).includes(LANDING_PROGRAM)
  ) {
    throw new MeetupError(
      `Files land on ${target}, but ${FILE} has no task that runs ${LANDING_PROGRAM}: add it as docs/databricks.md shows, or leave out --bundle.`,
    );
  }
  const { exitCode } = await execa('databricks', ['--version'], { env, extendEnv: false, reject: false });
  if (exitCode === 0) return;
  throw new MeetupError(
    '--bundle needs the Databricks CLI, and `databricks --version` does not work: install it (https://docs.databricks.com/dev-tools/cli/install), or leave out --bundle.',
  );
}

/**
 * Checks that the task which loads landed files is the one that belongs to the schemas and to this version of meetup.
 * @throws MeetupError if it isn't there, or differs.
 */
export async function requireLandingFiles(paths: Paths, target: string): Promise<void> {
  if (landedOn(paths.settings, target) === undefined) return;
  for (const [file, text] of await landingFiles(paths, await readContracts(paths.schemas))) {
    if (existsSync(file) && (await readFile(file, 'utf8')) === text) continue;
    throw new MeetupError(
      `${relative(paths.root, file)} is missing or doesn't match the schemas: run \`${COMMAND} schema docs\`, which writes it, and deploy again.`,
    );
  }
}

/** The id of a SQL warehouse in its HTTP path. That of a cluster has none. */
const WAREHOUSE = /\/warehouses\/([^/]+)\/?$/;

/**
 * Deploys the project's Databricks Asset Bundle with Databricks' own CLI and the credentials of the target.
 * @returns why it failed, in one line; undefined if it succeeded.
 * @throws InterruptedError when the signal is aborted.
 */
export async function deployBundle(
  { root }: Paths,
  target: RemoteTarget,
  { env, signal, reporter }: Effects,
): Promise<string | undefined> {
  const { name, catalog, options } = target;
  const [, warehouse] = WAREHOUSE.exec(options.httpPath) ?? [];
  if (warehouse === undefined)
    return `its job needs a SQL warehouse, and the HTTP path ${options.httpPath} is not of one`;
  reporter.progress('deploying the bundle');
  // The job uses the warehouse and the catalog that were deployed to.
  const variables = ['--var', `warehouse_id=${warehouse}`, '--var', `catalog=${catalog}`];
  const { exitCode, all, shortMessage } = await execa(
    'databricks',
    ['bundle', 'deploy', '--target', name, ...variables],
    {
      cwd: root,
      env: { ...env, ...target.environment },
      extendEnv: false,
      cancelSignal: signal,
      reject: false,
      all: true,
      stdin: 'ignore',
    },
  );
  if (exitCode === 0) return undefined;
  if (signal.aborted) {
    reporter.warn(`${name} is up to date, but its bundle may not be: run the command again to deploy it.`);
    throw new InterruptedError();
  }
  return reasonIn(all ?? '') ?? shortMessage ?? 'no reason given';
}

/** The first error in the CLI's output or, without one, its last line. */
function reasonIn(output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  const line = lines.find((one) => /^error/i.test(one)) ?? lines.findLast((one) => one !== '');
  return line?.replace(/^error:\s*/i, '').replace(/\.$/, '');
}
