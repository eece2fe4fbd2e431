import { describe, expect, it } from 'vitest';
import { onlyHere } from '../../src/targets/engine-on.ts';
import { temporaryPaths } from '../support/effects.ts';
import { otherHolder } from '../support/other-holder.ts';

describe('a second deployment from the same state folder', () => {
  it('is rejected until the first has finished, because they would share files', async () => {
    const paths = await temporaryPaths();
    (await onlyHere(paths)).release();
    const other = await otherHolder(paths.state);
    await expect(onlyHere(paths)).rejects.toThrow(`meetup process ${other.pid}, which is deploying`);
    await other.kill();
    (await onlyHere(paths)).release();
  });
});
