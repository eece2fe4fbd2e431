import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running extends Promise<Ended> {
  readonly child: ChildProcess;
}

/** Runs the real `./meetup` with this repository's toolchain. */
export function meetup(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(join(projectRoot, 'meetup'), args, {
    env: {
      ...process.env,
      MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain'),
      NO_COLOR: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  return Object.assign(ended, { child });
}
