import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { hasPassed, renderOutcome } from '../../src/scenarios/render.ts';
import { ScenarioPlayer } from '../../src/scenarios/scenario-player.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn } from '../support/sampled.ts';

/** Scenarios compare each build with a full refresh from compiled SQL. This checks that it equals dbt's, and finds differences. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-refresh-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
const effects = quietEffects({ env: process.env });

async function rowsOf(path: string): Promise<Record<string, string[]>> {
  const warehouse = await DuckDbWarehouse.open(path, { readOnly: true });
  try {
    const { rows: tables } = await warehouse.query(
      `select table_name from duckdb_tables() where schema_name = 'marts'`,
    );
    const found: Record<string, string[]> = {};
    for (const [name] of tables) {
      const { rows } = await warehouse.query(`from marts.${name}`);
      found[String(name)] = rows.map((row) => JSON.stringify(row)).sort();
    }
    return found;
  } finally {
    await warehouse.close();
  }
}

describe.skipIf(!hasItsTurn('full refreshes'))("a scenario's full refresh", () => {
  test('builds the same tables as `dbt run --full-refresh`', { timeout: 300_000 }, async () => {
    const paths = resolvePaths({ stateDir: join(folder, 'same') }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
    const session = new ScenarioPlayer(paths, effects);
    const engine = new EngineClient(paths, effects);
    try {
      // The incremental build equals a full refresh from compiled SQL …
      const outcome = await session.play(await readScenario(paths, 'late-drop'), 3);
      expect(hasPassed(outcome), renderOutcome(outcome)).toBe(true);
      const incremental = join(folder, 'incremental.duckdb');
      await copyFile(paths.workDatabase, incremental);
      // … and also dbt's own full refresh.
      expect((await engine.run({ target: 'dev', fullRefresh: true })).status).toBe('pass');
      const refreshed = await rowsOf(paths.workDatabase);
      expect(Object.keys(refreshed).length).toBeGreaterThan(15);
      expect(refreshed).toEqual(await rowsOf(incremental));
    } finally {
      await engine.close();
      await session.close();
    }
  });

  test('reveals an incremental model that keeps rows it should delete, or overlooks an event that changed', {
    timeout: 300_000,
  }, async () => {
    const project = join(folder, 'project');
    for (const part of ['dbt', 'profiles', 'fixtures', 'data/schemas', 'queries', 'meetup.yml']) {
      await cp(join(projectRoot, part), join(project, part), { recursive: true });
    }
    const macros = join(project, 'dbt/macros/incremental');
    for (const [name, rule, broken] of [
      [
        'replace_superseded.sql',
        "where {{ is_superseded('older', meta.states) }}",
        "where {{ key }} in (select fresh.{{ key }} from {{ arg_dict['temp_relation'] }} as fresh)",
      ],
      [
        'changed_scopes.sql',
        'or now.{{ column }} is distinct from seen.{{ column }}',
        "{% if column != 'event_state' %}or now.{{ column }} is distinct from seen.{{ column }}{% endif %}",
      ],
    ] as const) {
      const text = await readFile(join(macros, name), 'utf8');
      expect(text).toContain(rule);
      await writeFile(join(macros, name), text.replace(rule, broken));
    }
    const env = { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: project };
    const paths: Paths = resolvePaths({ stateDir: join(folder, 'other') }, env, folder);
    const session = new ScenarioPlayer(paths, effects);
    try {
      const outcome = await session.play(await readScenario(paths, 'changed-answers'), 2);
      const drift = outcome.drifts.find(({ mart }) => mart === 'fct_rsvps');
      expect(drift).toMatchObject({ onlyIncremental: { count: 1 }, onlyFull: { count: 0 } });
      expect(outcome.drifts.map(({ mart }) => mart)).toContain('rsvp_curves');
      expect(renderOutcome(outcome)).toContain('fct_rsvps: an incremental build and a full refresh differ');
    } finally {
      await session.close();
    }
  });
});
