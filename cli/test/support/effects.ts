import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Effects, silentEffects } from '../../src/config/effects.ts';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';

export interface RecordedEffects extends Effects {
  readonly notes: string[];
  readonly warnings: string[];
}

/** Effects without an influence outside of the test: notes are recorded, the environment is empty, nothing interrupts. */
export function quietEffects(overrides: Partial<Effects> = {}): RecordedEffects {
  const notes: string[] = [];
  const warnings: string[] = [];
  const { reporter } = silentEffects();
  return {
    ...silentEffects(),
    reporter: { ...reporter, note: (line) => notes.push(line), warn: (line) => warnings.push(line) },
    ...overrides,
    notes,
    warnings,
  };
}

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Paths with state and data in a temporary folder, and everything else in this repository. */
export async function temporaryPaths(env: Record<string, string> = {}): Promise<Paths> {
  const folder = await temporaryFolder();
  return resolvePaths({ data: join(folder, 'data'), stateDir: join(folder, 'state') }, env, folder);
}
