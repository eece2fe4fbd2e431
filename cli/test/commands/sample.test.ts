import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { generateIfEmpty } from '../../src/ingest/sample.ts';
import { loadedSample } from '../support/loaded.ts';

describe('the sample', () => {
  it('is not made where data was loaded before, even if its folder is gone', async () => {
    const { paths, effects } = await loadedSample();
    await rm(paths.data, { recursive: true });
    expect(await generateIfEmpty(paths, effects)).toBeUndefined();
    expect(effects.notes).not.toContainEqual(expect.stringContaining('generating'));
  });
});
