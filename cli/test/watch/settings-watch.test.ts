import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { watchSettings } from '../../src/watch/settings-watch.ts';
import { temporaryFolder } from '../support/effects.ts';

it('a meetup.yml that is emptied and written again is read once, when it is complete', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'meetup.yml');
  writeFileSync(file, 'public: [before]\n');
  const reread = () => resolvePaths({}, { MEETUP_PROJECT_DIR: folder }, folder);
  const seen: unknown[] = [];
  const stop = watchSettings(reread(), {
    reread,
    onChange: ({ settings }) => seen.push(settings.public),
    onFault: (error) => seen.push(error),
  });
  onTestFinished(stop);
  // The watch has looked at it once by now …
  await delay(100);
  writeFileSync(file, '');
  // … and has seen it empty by now.
  await delay(350);
  writeFileSync(file, 'public: [after]\n');
  await vi.waitFor(() => expect(seen).not.toEqual([]), 10_000);
  expect(seen).toEqual([['after']]);
});
