import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../src/config/paths.ts';

/** An import of our own code that runs when its file is loaded, so not `import type`. */
const STATIC_IMPORT = /^import (?!type\b)[^;]*? from '(\.[^']*)';/gm;

const verbs = join(projectRoot, 'cli/src/cli/verbs');

// Every start loads all declarations, `--version` too.
it.each(readdirSync(verbs))('the declaration in %s imports what its command needs only when that runs', (name) => {
  const imported = [...readFileSync(join(verbs, name), 'utf8').matchAll(STATIC_IMPORT)].map(([, path]) => path);
  expect(imported.filter((path) => path !== '../declare.ts' && !path?.startsWith('./'))).toEqual([]);
});
