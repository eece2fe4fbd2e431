import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
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
  it('prints the JSON report and nothing else on stdout', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'groups.json', [group(1)]);
    const { exitCode, stdout } = await meetup(loadOf(paths));
    expect(exitCode).toBe(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ status: 'loaded', entities: { groups: { read: 1, loaded: 1, rejected: 0 } } });
  });

  it('exits with 1 if it refuses a batch, and with 2 for an error', async () => {
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

  it('reports in one sentence that the state folder is not writable', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data', 'groups.json'), JSON.stringify([group(1)]));
    const ended = await meetup(['load', '--data', join(folder, 'data'), '--state-dir', join(folder, 'file', 'state')]);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(/file\/state.* (can't|cannot) be/);
  });

  it('loads a drop only once if two loads start at the same time', async () => {
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

  it('loads a batch completely or not at all when it is killed, and completes it on the next run', async () => {
    const paths = await temporaryPaths();
    const { events } = await writeEvents(paths.data, 8_000_000);
    // These moments range from before the first statement to after the last one.
    for (const moment of [150, 300, 450, 600, 750, 900, 1100, 1300, 1600, 2000]) {
      const running = meetup(loadOf(paths));
      await delay(moment);
      running.child.kill('SIGKILL');
      await running;
      // The launcher runs the command in its own process, so nothing is still writing.
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

  it('exits with 130 on Ctrl-C, reports that in JSON, and loads nothing of the batch', async () => {
    const paths = await temporaryPaths();
    await writeEvents(paths.data, 30_000_000);
    const running = meetup(loadOf(paths));
    // Once it holds the lock, it has begun, however slow the machine is.
    const lock = join(paths.state, 'write.lock');
    await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 30_000, interval: 20 });
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
