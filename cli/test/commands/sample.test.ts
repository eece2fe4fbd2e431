import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as load } from '../../src/commands/load.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { generateIfEmpty } from '../../src/ingest/sample.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { loadedSample } from '../support/loaded.ts';

describe('the sample', () => {
  it('is not generated once data has been loaded, even if the data folder is gone', async () => {
    const { paths, effects } = await loadedSample();
    await rm(paths.data, { recursive: true });
    expect(await generateIfEmpty(paths, effects)).toBeUndefined();
    expect(effects.notes).not.toContainEqual(expect.stringContaining('generating'));
  });
});

describe("another project's data folder", () => {
  it('never receives the sample', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    const paths = resolvePaths({ stateDir: join(folder, 'state') }, { MEETUP_PROJECT_DIR: folder }, folder);
    const effects = quietEffects();
    expect(await generateIfEmpty(paths, effects)).toBeUndefined();
    await expect(load({ paths, maxRejected: 0.01 }, effects)).rejects.toThrow(
      /^There are no JSON Schemas in .*schemas: put a file named <entity>\.schema\.json there/,
    );
    expect(await readdir(join(folder, 'data'))).toEqual([]);
  });
});
