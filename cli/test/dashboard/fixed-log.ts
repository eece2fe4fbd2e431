import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Paths } from '../../src/config/paths.ts';
import { readCatalog } from '../../src/dashboard/data/models.ts';
import { type BuildLog, buildLogFile, type LastRun, type LoggedBuild } from '../../src/engine/build-log.ts';

const AT = '2026-11-30T12:00:00.000Z';
const TESTS = 40;

/** The same project and data with an invented log of builds, because times and what ran last differ between machines. */
export async function withFixedLog(paths: Paths): Promise<Paths> {
  const fixed = { ...paths, local: await mkdtemp(join(tmpdir(), 'meetup-fixed-log-')) };
  const { models } = await readCatalog(paths);
  const sorted = models.toSorted((a, b) => (a.uniqueId < b.uniqueId ? -1 : 1));
  const nodes: Record<string, LastRun> = {};
  for (const [i, { uniqueId, name, kind }] of sorted.entries())
    nodes[uniqueId] = { ...ran(i), name, kind, tests: null };
  for (let i = 0; i < TESTS; i += 1) {
    const tests = sorted[i % sorted.length]?.uniqueId ?? null;
    nodes[`test.meetup.t${i}`] = { ...ran(i), name: `a_test_with_number_${i}`, kind: 'test', tests, failures: 0 };
  }
  const builds: LoggedBuild[] = Array.from({ length: 12 }, (_, i) => ({
    at: AT,
    status: i === 3 ? 'fail' : 'pass',
    ms: 900 + 137 * i,
    why: i % 4 === 0 ? 'new data' : 'models/marts/dim_groups.sql changed',
    ran: Object.keys(nodes).slice(0, 30 + i),
    spared: [],
  }));
  const log: BuildLog = { version: 1, builds, nodes };
  await writeFile(buildLogFile(fixed), JSON.stringify(log));
  return fixed;
}

const ran = (i: number): Omit<LastRun, 'name' | 'kind' | 'tests'> => ({
  status: 'pass',
  ms: 50 + ((i * 173) % 2000),
  at: AT,
  rowsWritten: (i * 7919) % 100_000,
  rowsChanged: (i * 31) % 500,
  failures: null,
});
