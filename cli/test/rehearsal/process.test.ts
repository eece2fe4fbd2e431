import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { isOurs, readPs } from '../../src/rehearsal/process.ts';
import { temporaryFolder } from '../support/effects.ts';

const places = rehearsalPlaces({ state: '/Users/a b/.meetup', logs: '/Users/a b/.meetup/logs' });
const areOurs = (command: string): boolean[] => readPs(`  17 ${command}\n`).map((line) => isOurs(line, places));

describe('the processes of a rehearsal in the output of ps', () => {
  it('are parsed into process ids and command lines', () => {
    expect(readPs('    1 /sbin/init\n  417 node  x y\n\nnonsense\n')).toEqual([
      { pid: 1, text: ' /sbin/init ', separator: ' ' },
      { pid: 417, text: ' node  x y ', separator: ' ' },
    ]);
  });

  it.each([
    'java @/Users/a b/.meetup/rehearsal/conf/spark.args',
    'node /opt/meetup/dist/rehearsal/supervisor/main.js /Users/a b/.meetup/rehearsal/conf/launch.json',
    'node --import tsx /m/cli/src/rehearsal/supervisor/main.ts /Users/a b/.meetup/rehearsal/conf/launch.json',
  ])('are recognised by their arguments, even with spaces: %s', (command) => {
    expect(areOurs(command)).toEqual([true]);
  });

  it.each([
    'vi /Users/a b/.meetup/rehearsal/conf/launch.json',
    'java @/Users/a b/.meetup2/rehearsal/conf/spark.args',
    'java @/Volumes/x/Users/a b/.meetup/rehearsal/conf/spark.args',
    'node /m/supervisor/main.js /Volumes/x/Users/a b/.meetup/rehearsal/conf/launch.json',
    'node /m/supervisor/main.js /Users/a b/.meetup/rehearsal/conf/launch.json.bak',
  ])('are not confused with others: %s', (command) => {
    expect(areOurs(command)).toEqual([false]);
  });
});

describe('a state folder', () => {
  it('has one rehearsal, even if it is reached through symbolic links', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'state'));
    await symlink(folder, join(folder, 'link'));
    const placesOf = (state: string) => rehearsalPlaces({ state: join(folder, state), logs: folder });
    expect(placesOf('link/state')).toEqual(placesOf('state'));
    expect(placesOf('link/not/yet/made')).toEqual(placesOf('not/yet/made'));
  });

  it('shares the rehearsal of another one that it has a link to', async () => {
    const folder = await temporaryFolder();
    for (const name of ['one/rehearsal', 'two']) await mkdir(join(folder, name), { recursive: true });
    await symlink(join(folder, 'one', 'rehearsal'), join(folder, 'two', 'rehearsal'));
    const placesOf = (state: string) => rehearsalPlaces({ state: join(folder, state), logs: folder });
    expect(placesOf('two')).toEqual(placesOf('one'));
  });
});
