import { describe, expect, it } from 'vitest';
import { type DiffOptions, run } from '../../src/commands/diff.ts';
import type { Paths } from '../../src/config/paths.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';

const diff = (paths: Paths, options: Partial<DiffOptions>) =>
  run({ paths, from: 'dev', to: 'rehearsal', samples: 20, ...options }, quietEffects());

describe('meetup diff', () => {
  it('refuses to compare a target with itself', async () => {
    await expect(diff(await temporaryPaths(), { to: 'dev' })).rejects.toThrow(
      '--from and --to are both dev: name two targets.',
    );
  });

  it('asks for a build if the local database does not exist', async () => {
    await expect(diff(await temporaryPaths(), {})).rejects.toThrow(/There is no database at .* run `.\/meetup dev`/);
  });

  it('asks to start the rehearsal if it is not running', async () => {
    const paths = await temporaryPaths();
    await (await openWork(paths)).close();
    await publish(paths);
    await expect(diff(paths, {})).rejects.toThrow(/rehearsal up/);
  });
});
