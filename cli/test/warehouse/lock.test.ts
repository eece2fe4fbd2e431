import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { tryLock, withWriteLock } from '../../src/warehouse/lock.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { otherHolder } from '../support/other-holder.ts';

describe('the write lock', () => {
  it('names the process that holds it', async () => {
    const paths = await temporaryPaths();
    (await withWriteLock(paths, quietEffects(), async () => undefined)) satisfies undefined;
    const other = await otherHolder(paths.state);
    expect(await tryLock(paths, 'write')).toEqual({ heldBy: other.pid });
    await other.kill();
  });

  it('is free as soon as its holder is killed', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    await other.kill();
    expect(await withWriteLock(paths, quietEffects(), async () => 'worked')).toBe('worked');
  });

  it('makes another process wait, which is reported once', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    const effects = quietEffects();
    const waiting = withWriteLock(paths, effects, async () => 'worked');
    setTimeout(() => void other.kill(), 300);
    expect(await waiting).toBe('worked');
    expect(effects.notes).toEqual([`Waiting for meetup process ${other.pid}, which is writing to ${paths.state} …`]);
  });

  it('lets a waiting process be interrupted', async () => {
    const paths = await temporaryPaths();
    await withWriteLock(paths, quietEffects(), async () => undefined);
    const other = await otherHolder(paths.state);
    const stop = new AbortController();
    const waiting = withWriteLock(paths, quietEffects({ signal: stop.signal }), async () => 'worked');
    stop.abort();
    await expect(waiting).rejects.toThrow(InterruptedError);
    await other.kill();
  });

  it('fails with one sentence if the state folder cannot be created', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const paths = resolvePaths({ stateDir: join(folder, 'file', 'state') }, {}, folder);
    await expect(withWriteLock(paths, quietEffects(), async () => undefined)).rejects.toThrow(
      /The state folder .* can't be written .* choose another with --state-dir/,
    );
  });
});
