import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { isMap, isSeq, parseDocument } from 'yaml';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import type { FixtureResult, NodeResult } from '../../src/engine/protocol.ts';
import { createRawTables, readRawTables } from '../../src/ingest/raw-tables.ts';
import { readRawColumns } from '../../src/unit-tests/raw-columns.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { copyProject } from '../support/project-copy.ts';

// dbt itself runs all unit tests of the project, which needs every model built first.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 600_000 });

let folder: string;
let engine: EngineClient;
let dbt: readonly NodeResult[];
let ours: readonly FixtureResult[];

/** Breaks every other fixture so that some pass and some fail: removes an expected row, or changes one of its values. */
async function breakEveryOther(fixtures: string): Promise<void> {
  let turn = 0;
  for (const file of await readdir(fixtures, { recursive: true })) {
    if (!file.endsWith('.yml')) continue;
    const document = parseDocument(await readFile(join(fixtures, file), 'utf8'));
    const tests = document.get('unit_tests');
    for (const test of isSeq(tests) ? tests.items : []) {
      turn += 1;
      const rows = isMap(test) ? test.getIn(['expect', 'rows']) : undefined;
      if (turn % 2 === 0 || !isSeq(rows)) continue;
      const [row] = rows.items;
      if (rows.items.length > 1 && turn % 4 === 1) rows.items.pop();
      else if (isMap(row)) row.items.at(-1) && clearLastValue(row.items);
    }
    await writeFile(join(fixtures, file), document.toString({ lineWidth: 0 }));
  }
}

function clearLastValue(pairs: { value: unknown }[]): void {
  const last = pairs.at(-1);
  if (last !== undefined) last.value = null;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-verdicts-'));
  await copyProject(folder);
  await breakEveryOther(join(folder, 'fixtures', 'models'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
  const env = { MEETUP_PROJECT_DIR: folder, MEETUP_TOOLCHAIN_DIR: toolchain };
  const paths = resolvePaths({ stateDir: join(folder, 'state') }, env, folder);
  engine = new EngineClient(paths, quietEffects({ env: process.env }));
  ours = (await engine.fixtures({ target: 'dev', sources: await readRawColumns(paths.schemas) })).tests;
  const work = await openWork(paths);
  await createRawTables(work, await readRawTables(paths.schemas));
  await work.close();
  expect((await engine.build({ target: 'dev', resourceTypes: ['model'] })).status).toBe('pass');
  dbt = (await engine.test({ target: 'dev', resourceTypes: ['unit_test'] })).nodes;
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

it("every fixture of the project gets dbt's own verdict, whether it passes or is broken", () => {
  const verdicts = (results: readonly (FixtureResult | NodeResult)[]) =>
    Object.fromEntries(results.map((result) => [result.uniqueId, result.status]));
  expect(verdicts(ours)).toEqual(verdicts(dbt));
  const statuses = new Set(dbt.map((node) => node.status));
  expect(statuses).toContain('pass');
  expect(statuses).toContain('fail');
});

it('every broken fixture is reported with the differing rows and their lines', () => {
  for (const result of ours.filter(({ status }) => status === 'fail')) {
    const { missing = [], extra = [], differing = [] } = result.difference ?? {};
    expect(missing.length + extra.length + differing.length, result.name).toBeGreaterThan(0);
    expect(result.line, result.name).toBeGreaterThan(0);
    for (const row of [...missing, ...differing]) expect(row.line, result.name).toBeGreaterThan(result.line ?? 0);
  }
});
