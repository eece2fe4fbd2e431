import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeEvents } from '../../../bench/load/events-file.ts';
import type { Paths } from '../../src/config/paths.ts';
import { temporaryFolder, temporaryPaths } from '../support/effects.ts';
import { meetup } from '../support/meetup.ts';
import { event, group, put, rowsOf } from './support.ts';

const loadOf = (paths: Paths, ...more: string[]): string[] => [
  'load',
  '--data',
  paths.data,
  '--state-dir',
  paths.state,
  '--json',
  ...more,
];

describe('./meetup load', () => {
  it('prints the JSON of the contract, and nothing else on stdout', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    const { exitCode, stdout } = await meetup(loadOf(paths));
    expect(exitCode).toBe(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ status: 'loaded', entities: { groups: { read: 1, loaded: 1, rejected: 0 } } });
  });

  it('ends with 1 when it refuses data, with 2 when it can not work', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [{ user_id: 'x' }]);
    expect(await meetup(loadOf(paths))).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('"status":"refused"'),
    });
    await put(paths, 'users.json', '[{');
    expect(await meetup(loadOf(paths))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^Error: .*users.json is not JSON at line 1/m),
    });
    expect(await meetup(loadOf(paths, '--max-rejected', 'many'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--max-rejected takes a share such as 1% or 0.01, but got 'many'."),
    });
  });

  it('says in one sentence that the state folder can not be written', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data', 'groups.json'), JSON.stringify([group(1)]));
    const ended = await meetup(['load', '--data', join(folder, 'data'), '--state-dir', join(folder, 'file', 'state')]);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(/file\/state.* (can't|cannot) be/);
  });

  it('loads a drop once when two loads start at the same moment', async () => {
    const paths = await temporaryPaths();
    await put(
      paths,
      'events.json',
      Array.from({ length: 3000 }, (_, i) => event({ time: 1_700_000_000_000 + i })),
    );
    const both = await Promise.all([meetup(loadOf(paths)), meetup(loadOf(paths))]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.map(({ stdout }) => JSON.parse(stdout).status).sort()).toEqual(['loaded', 'unchanged']);
    expect(await rowsOf(paths, 'select count(*) from raw.events')).toEqual([[3000]]);
  });

  it('leaves a batch whole or absent when it is killed, and finishes it at the next start', async () => {
    const paths = await temporaryPaths();
    const { events } = await writeEvents(paths.data, 8_000_000);
    // From before the first statement to after the last: the moments spread over the length of a whole load.
    for (const moment of [150, 300, 450, 600, 750, 900, 1100, 1300, 1600, 2000]) {
      const running = meetup(loadOf(paths));
      await delay(moment);
      running.child.kill('SIGKILL');
      await running;
      // What the launcher started is the same process, so nothing is left that still writes.
      const [[tables]] = (await rowsOf(paths, "select count(*) from duckdb_tables() where schema_name = 'raw'")) as [
        [number],
      ];
      const counts =
        tables === 0
          ? [[0, 0, 0]]
          : await rowsOf(
              paths,
              'select (select count(*) from raw.events) + (select count(*) from raw.rejected_records), (select count(*) from raw.batches), (select count(*) from raw.loaded_files)',
            );
      expect([[[0, 0, 0]], [[events, 1, 1]]]).toContainEqual(counts);
    }
    const { exitCode } = await meetup(loadOf(paths));
    expect(exitCode).toBe(0);
    expect(
      await rowsOf(paths, 'select (select count(*) from raw.events) + (select count(*) from raw.rejected_records)'),
    ).toEqual([[events]]);
    const answer = await meetup([
      'query',
      '--json',
      '--state-dir',
      paths.state,
      'select count(*) as batches from raw.batches',
    ]);
    expect(JSON.parse(answer.stdout)).toEqual([{ batches: 1 }]);
  }, 180_000);

  it('stops with 130 at Ctrl-C, says so in JSON, too, and leaves nothing of the batch', async () => {
    const paths = await temporaryPaths();
    await writeEvents(paths.data, 30_000_000);
    const running = meetup(loadOf(paths));
    await delay(1200);
    running.child.kill('SIGINT');
    const { exitCode, stdout } = await running;
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toEqual({ status: 'interrupted' });
    const counts = await rowsOf(
      paths,
      "select count(*) from duckdb_tables() where schema_name = 'raw' and table_name = 'batches'",
    );
    if (counts[0]?.[0] === 1) expect(await rowsOf(paths, 'select count(*) from raw.batches')).toEqual([[0]]);
  }, 60_000);
});
