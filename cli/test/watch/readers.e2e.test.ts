import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { withWriteLock } from '../../src/warehouse/lock.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { engineOn, tinyProject } from '../engine/project.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

vi.setConfig({ testTimeout: 240_000 });

const countsSchema = z.object({ opens: z.number(), errors: z.array(z.string()), torn: z.number(), states: z.number() });

/**
 * Starts a process that repeatedly opens the database read-only, as fast as it can, until `end` is called. Each time, it
 * checks whether two tables come from the same build.
 */
function reader(path: string): { end(): Promise<z.infer<typeof countsSchema>> } {
  const script = `
    const { DuckDBInstance } = require(${JSON.stringify(join(projectRoot, 'node_modules/@duckdb/node-api'))});
    const counts = { opens: 0, errors: [], torn: 0, states: 0 };
    const seen = new Set();
    let ended = false;
    process.stdin.on('data', () => { ended = true; });
    (async () => {
      while (!ended) {
        try {
          const instance = await DuckDBInstance.create(${JSON.stringify(path)}, { access_mode: 'READ_ONLY' });
          const connection = await instance.connect();
          const read = async (sql) => (await connection.runAndReadAll(sql)).getRows()[0].map(String);
          const [doubled] = await read('select sum(amount) from main.doubled');
          const [total] = await read('select total from main.total');
          if (doubled !== total) counts.torn += 1;
          seen.add(total);
          connection.closeSync();
          instance.closeSync();
          counts.opens += 1;
        } catch (error) {
          counts.errors.push(error.message.split('\\n')[0]);
        }
      }
      counts.states = seen.size;
      console.log(JSON.stringify(counts));
      process.exit(0);
    })();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async end() {
      child.stdin.write('end\n');
      const line = (await lines.next()).value;
      await once(child, 'exit');
      return countsSchema.parse(JSON.parse(String(line)));
    },
  };
}

describe('readers while models are rebuilt', () => {
  it('are never locked out and see only complete builds, in at least 200 opens during 50 rebuilds', async () => {
    const project = await tinyProject(await temporaryFolder());
    const effects = quietEffects({ env: { PATH: process.env.PATH } });
    const engine = engineOn(project, effects);
    const rebuild = (factor: number) =>
      withWriteLock(project.paths, effects, async () => {
        const sql = `select id, amount * 2 + ${factor} - ${factor} + id * ${factor} as amount from {{ ref('numbers') }}\n`;
        const file = await project.write('models/doubled.sql', sql);
        const answer = await engine.affected({ target: 'dev', files: [file] });
        await publish(project.paths);
        return answer;
      });
    try {
      await project.remove('../fixtures/models/doubled.yml');
      expect((await rebuild(0)).status).toBe('pass');
      // Like a tool that keeps the database open for hours.
      const held = await openPublished(project.paths);
      const first = reader(project.paths.database);
      const second = reader(project.paths.database);
      for (let build = 1; build <= 50; build += 1) expect((await rebuild(build)).status).toBe('pass');
      const counts = [await first.end(), await second.end()];
      expect(counts.flatMap(({ errors }) => errors)).toEqual([]);
      expect(counts.map(({ torn }) => torn)).toEqual([0, 0]);
      expect(counts.reduce((sum, { opens }) => sum + opens, 0)).toBeGreaterThanOrEqual(200);
      expect(Math.max(...counts.map(({ states }) => states))).toBeGreaterThan(5);
      expect((await held.query('select total::int from main.total')).rows).toEqual([[200]]);
      await held.close();
    } finally {
      await engine.close();
    }
  });
});
