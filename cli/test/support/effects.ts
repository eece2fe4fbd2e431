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

/** Effects that touch nothing outside the test: notes are kept, the environment is empty, nobody interrupts. */
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

/** A folder of its own for one test, removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Paths whose state and data lie in a folder of their own; everything else is this repository's. */
export async function temporaryPaths(env: Record<string, string> = {}): Promise<Paths> {
  const folder = await temporaryFolder();
  return resolvePaths({ data: join(folder, 'data'), stateDir: join(folder, 'state') }, env, folder);
}
