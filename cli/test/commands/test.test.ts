import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FILE_OF_PART } from '../../src/commands/test.ts';
import { projectRoot } from '../../src/config/paths.ts';

it.each(Object.entries(FILE_OF_PART))('meetup test --only %s runs a file that exists', (_part, file) => {
  expect(existsSync(join(projectRoot, file))).toBe(true);
});
