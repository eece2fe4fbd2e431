import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { RemoteTarget } from '../targets/target.ts';

const FILE = 'databricks.yml';

/**
 * Checks that a bundle can be deployed, before anything else is done.
 * @throws MeetupError if there is no bundle or no Databricks CLI, or the target isn't in Databricks.
 */
export async function requireBundle({ root }: Paths, target: string, { env }: Effects): Promise<void> {
  if (target !== 'prod') throw new MeetupError(`--bundle is for target prod: ${target} runs no jobs.`);
  if (!existsSync(join(root, FILE))) {
    throw new MeetupError(
      `There is no ${FILE} in ${root}, so --bundle has nothing to deploy: add one, or leave out --bundle.`,
    );
  }
  const { exitCode } = await execa('databricks', ['--version'], { env, extendEnv: false, reject: false });
  if (exitCode === 0) return;
  throw new MeetupError(
    '--bundle needs the Databricks CLI, and `databricks --version` does not work: install it (https://docs.databricks.com/dev-tools/cli/install), or leave out --bundle.',
  );
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
