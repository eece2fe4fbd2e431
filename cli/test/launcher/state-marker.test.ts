import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MARKER, markState } from './modules.ts';

describe('the marker of a state folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meetup-marker-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is written into a new or empty folder, with the signature that backup programs recognise', async () => {
    for (const state of [folder, join(folder, 'deep', 'state')]) {
      markState(state);
      expect(await readFile(join(state, MARKER), 'utf8')).toMatch(/^Signature: 8a477f597d28d172789f06886806bc55\n/);
      await rm(join(state, MARKER));
    }
  });

  it('is not written into a folder with other files', async () => {
    await writeFile(join(folder, 'thesis.txt'), '');
    markState(folder);
    expect(await readdir(folder)).toEqual(['thesis.txt']);
  });

  it('is skipped if the folder cannot be created', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(() => markState(join(folder, 'file', 'state'))).not.toThrow();
  });
});
