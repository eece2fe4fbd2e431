import { readdir } from 'node:fs/promises';
import type { Effects } from '../config/effects.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { UnitTestRunner } from './unit-test-runner.ts';

/** The parts of the models' tests. */
export type TestPart = 'fixtures' | 'scenarios';

/** Whether the project has tests of this kind. dbt is only asked if there are no unit tests where `test new` writes them. */
export async function hasTests(part: TestPart, paths: Paths, effects: Effects): Promise<boolean> {
  if (part === 'scenarios') return holdsYaml(paths.scenarios);
  if (await holdsYaml(paths.fixtures)) return true;
  const runner = new UnitTestRunner(paths, effects);
  try {
    return (await runner.list()).length > 0;
  } finally {
    await runner.close();
  }
}

async function holdsYaml(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder, { recursive: true })).some((name) => /\.ya?ml$/.test(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
