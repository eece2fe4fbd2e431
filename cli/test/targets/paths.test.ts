import { expect, it } from 'vitest';
import { engineEnvironment } from '../../src/engine/process.ts';
import { deployPaths } from '../../src/targets/engine-on.ts';
import { temporaryPaths } from '../support/effects.ts';

it('dbt on a target does not see that a sample was pulled, which would make models look changed', async () => {
  const paths = await temporaryPaths();
  const pulled = { version: 1 as const, folder: 'pulled-a', from: 'prod', at: '', chosen: '', rows: 1 };
  expect(engineEnvironment({ ...paths, pulled })).toHaveProperty('MEETUP_PULLED', 'prod');
  expect(engineEnvironment(deployPaths({ ...paths, pulled }))).not.toHaveProperty('MEETUP_PULLED');
});
