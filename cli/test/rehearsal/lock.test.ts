import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { withRehearsalLock } from '../../src/rehearsal/up.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';
import { otherHolder } from '../support/other-holder.ts';

describe('starting or stopping a rehearsal', () => {
  it('does not touch databases that another process is working on', async () => {
    const paths = await temporaryPaths();
    const work = dirname(paths.workDatabase);
    await mkdir(work, { recursive: true });
    // The state while another process publishes: it has published the database and is copying it.
    await writeFile(paths.database, 'published');
    await writeFile(`${paths.workDatabase}.999.copy`, 'half of a copy');
    const other = await otherHolder(paths.state);
    const effects = quietEffects();
    const seen = await withRehearsalLock(paths, rehearsalPlaces(paths), effects, () => readdir(work));
    await other.kill();
    expect(seen).toEqual(['meetup.duckdb.999.copy']);
    expect(await readdir(work)).toEqual(['meetup.duckdb.999.copy']);
    expect(effects.notes).toEqual([]);
  });

  it('waits for another process that is starting or stopping one', async () => {
    const paths = await temporaryPaths();
    const places = rehearsalPlaces(paths);
    await mkdir(places.folder, { recursive: true });
    const other = await otherHolder(places.folder);
    const effects = quietEffects();
    const waiting = withRehearsalLock(paths, places, effects, async () => 'worked');
    setTimeout(() => void other.kill(), 200);
    expect(await waiting).toBe('worked');
    expect(effects.notes).toHaveLength(1);
  });
});
