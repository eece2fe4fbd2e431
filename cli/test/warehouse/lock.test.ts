import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { tryLock, withWriteLock } from '../../src/warehouse/lock.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';

/** Another process that takes the write lock's file as meetup does, and holds it until it is killed. */
async function otherHolder(state: string): Promise<{ pid: number; kill(): Promise<void> }> {
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

describe('the write lock', () => {
  it('names the process that holds it', async () => {
    const paths = await temporaryPaths();
    (await withWriteLock(paths, quietEffects(), async () => undefined)) satisfies undefined;
    const other = await otherHolder(paths.state);
    expect(await tryLock(paths, 'write')).toEqual({ heldBy: other.pid });
    await other.kill();
  });

  it('is free again at once when its holder was killed', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    await other.kill();
    expect(await withWriteLock(paths, quietEffects(), async () => 'worked')).toBe('worked');
  });

  it('is waited for, which is said once', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    const effects = quietEffects();
    const waiting = withWriteLock(paths, effects, async () => 'worked');
    setTimeout(() => void other.kill(), 300);
    expect(await waiting).toBe('worked');
    expect(effects.notes).toEqual([`Waiting for meetup process ${other.pid}, which is writing to ${paths.state} …`]);
  });

  it('can be given up while waiting', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    const stop = new AbortController();
    const waiting = withWriteLock(paths, quietEffects({ signal: stop.signal }), async () => 'worked');
    stop.abort();
    await expect(waiting).rejects.toThrow(InterruptedError);
    await other.kill();
  });

  it('says in one sentence that the state folder cannot be made', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const paths = resolvePaths({ stateDir: join(folder, 'file', 'state') }, {}, folder);
    await expect(withWriteLock(paths, quietEffects(), async () => undefined)).rejects.toThrow(
      /The state folder .* can't be written .* choose another with --state-dir/,
    );
  });
});
