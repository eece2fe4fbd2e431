import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { withMoments } from '../../src/scenarios/moments.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { temporaryFolder } from '../support/effects.ts';

const head = 'description: A story.\nrule: A rule.\n';

async function scenario(files: Record<string, string>) {
  const folder = await temporaryFolder();
  const paths = resolvePaths({}, { MEETUP_PROJECT_DIR: folder }, folder);
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, 'fixtures/scenarios/story', name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
  return readScenario(paths, 'story');
}

describe('a scenario', () => {
  test('lists the data and the expected rows of each day', async () => {
    const read = await scenario({
      'scenario.yml': `${head}max_rejected: 50%\ndays:\n  - dropped_on: 2026-01-05\n  - {dropped_on: undated, load: refused}\n`,
      'day-1/groups.json': '[]',
      'day-2/groups.json': '[]',
      'expected/day-2/dim_groups.yml': '[]',
    });
    expect(read).toMatchObject({
      name: 'story',
      maxRejected: 0.5,
      days: [
        { name: 'day-1', droppedOn: '2026-01-05', load: 'loaded', expected: [] },
        { name: 'day-2', droppedOn: undefined, load: 'refused', expected: [{ table: 'dim_groups' }] },
      ],
    });
  });

  test.each([
    ['a day without files', {}, 'day-1 has no folder'],
    ['a folder of an unknown day', { 'day-1/a.json': '', 'day-2/a.json': '' }, 'day-2 is not a day in scenario.yml'],
    [
      'expected rows of an unknown day',
      { 'day-1/a.json': '', 'expected/day-3/t.yml': '[]' },
      'day-3 is not a day in scenario.yml',
    ],
  ])('is rejected if it has %s', async (_what, files, message) => {
    const all: Record<string, string> = { 'scenario.yml': `${head}days: [{dropped_on: 2026-01-05}]\n`, ...files };
    await expect(scenario(all)).rejects.toThrow(message);
  });

  test('is rejected if scenario.yml has an error', async () => {
    const files = { 'scenario.yml': `${head}days: [{droped_on: 2026-01-05}]\n`, 'day-1/groups.json': '[]' };
    await expect(scenario(files)).rejects.toThrow(/scenario.yml: days.0/);
  });
});

describe('timestamps in JSON', () => {
  test('are replaced with epoch milliseconds, and everything else stays unchanged', () => {
    const text = '[{"time": {"$ms": "2026-01-05T19:30:00+01:00"}, "name": "\\u0000 {$ms}"';
    expect(withMoments(text, 'events.json')).toBe('[{"time": 1767637800000, "name": "\\u0000 {$ms}"');
  });

  test('must have a time zone', () => {
    expect(() => withMoments('{"$ms": "2026-01-05 19:30"}', 'events.json')).toThrow('not a timestamp with a time zone');
  });
});
