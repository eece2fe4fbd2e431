import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { generateIfEmpty } from '../../src/commands/dev.ts';
import { run as generate } from '../../src/commands/generate.ts';
import { run as load } from '../../src/commands/load.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';

describe('the sample', () => {
  it('is not made where data was loaded before, even if its folder is gone', async () => {
    const paths = await temporaryPaths();
    const effects = quietEffects();
    await generate({ out: paths.data, scale: 0.002, seed: 1, days: 0 }, effects);
    await load({ paths, maxRejected: 0.5 }, effects);
    await rm(paths.data, { recursive: true });
    expect(await generateIfEmpty(paths, effects)).toBeUndefined();
    expect(effects.notes).not.toContainEqual(expect.stringContaining('generating'));
  });
});
