import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';

/** Starts another process that holds the write lock, as meetup does, until it is killed. */
export async function otherHolder(state: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const script = `
    const { DuckDBInstance } = require(${JSON.stringify(join(projectRoot, 'node_modules/@duckdb/node-api'))});
    DuckDBInstance.create(${JSON.stringify(join(state, 'write.lock'))}).then((instance) => {
      globalThis.held = instance;
      console.log('held');
      setInterval(() => {}, 1000);
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
