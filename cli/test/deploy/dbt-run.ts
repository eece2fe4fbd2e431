import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Effects } from '../../src/config/effects.ts';
import type { Paths } from '../../src/config/paths.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';

export interface DbtRun {
  readonly child: ChildProcess;
  /** What dbt has printed so far. */
  output(): string;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly output: string }>;
}

/** Starts the toolchain's own dbt on the rehearsal, as the bundle's job does on Databricks. */
export async function startDbt(
  paths: Paths,
  effects: Effects,
  args: readonly string[],
  vars: Readonly<Record<string, string | number>> = {},
): Promise<DbtRun> {
  const { dbtEnvironment } = await rehearsalConnection(paths, effects);
  const places = ['--project-dir', paths.dbtProject, '--profiles-dir', join(paths.root, 'profiles')];
  const all = [...args, ...places, '--target', 'rehearsal', '--vars', JSON.stringify(vars)];
  const child = spawn(join(dirname(paths.python), 'dbt'), all, {
    env: {
      ...process.env,
      ...dbtEnvironment,
      DBT_TARGET_PATH: join(paths.state, 'job', vars.meetup_job_run?.toString() ?? 'target'),
      DBT_LOG_PATH: join(paths.state, 'job', 'logs'),
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise<{ exitCode: number | null; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, output: text }));
  });
  return { child, output: () => text, ended };
}
