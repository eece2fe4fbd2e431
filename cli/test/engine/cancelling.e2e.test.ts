import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import type { EngineEvent } from '../../src/engine/protocol.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { chanceFrom, numberFrom } from '../support/chance.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { engineOn, type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });

const ROUNDS = numberFrom('MEETUP_CANCEL_ROUNDS', 25);
const SEED = numberFrom('MEETUP_CANCEL_SEED', 1);

const failures = (events: readonly EngineEvent[]): EngineEvent[] =>
  events.filter((event) => event.event === 'finished' && !['success', 'pass', 'skipped'].includes(event.status));

const SLOW_MODELS = 6;

/** A project whose builds take several hundred milliseconds, partly within queries and partly between them. */
async function slowProject(): Promise<TinyProject> {
  const project = await tinyProject(await temporaryFolder());
  for (let i = 0; i < SLOW_MODELS; i += 1) await project.write(`models/slow_${i}.sql`, slowSql(i, 0));
  return project;
}

/** SQL of the i-th slow model, which reads the one before it. */
function slowSql(i: number, edit: number): string {
  const upstream = i === 0 ? 'numbers' : `slow_${i - 1}`;
  return `select id, ${edit} as edit, (select sum(hash(range)::hugeint) from range(3000000)) as h from {{ ref('${upstream}') }}\n`;
}

describe('a build that is cancelled at a random moment', () => {
  it(`causes no failure and leaves no thread or engine behind (${ROUNDS} cancels, seed ${SEED})`, async () => {
    const project = await slowProject();
    const engine = engineOn(project, quietEffects());
    onTestFinished(() => engine.close());
    expect((await engine.affected()).status).toBe('pass');
    const { pid, threads } = await engine.stats();
    const chance = chanceFrom(SEED);
    const events: EngineEvent[] = [];
    let cancelled = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const edited = chance.below(SLOW_MODELS);
      await project.write(`models/slow_${edited}.sql`, slowSql(edited, round));
      const controller = new AbortController();
      const options = { signal: controller.signal, onEvent: (event: EngineEvent) => events.push(event) };
      const building = chance.of([0, 0, 1]) === 0 ? engine.affected({}, options) : engine.build({}, options);
      await delay(chance.below(chance.of([20, 100, 400])));
      controller.abort();
      const outcome = await building.catch((error: unknown) => error);
      if (outcome instanceof InterruptedError) cancelled += 1;
      else expect(outcome).toMatchObject({ status: 'pass' });
    }
    expect(cancelled).toBeGreaterThan(ROUNDS / 3);
    expect(failures(events)).toEqual([]);
    const whole = await engine.affected({}, { onEvent: (event) => events.push(event) });
    expect(whole).toMatchObject({ status: 'pass', failing: [] });
    expect(failures(events)).toEqual([]);
    const after = await engine.stats();
    expect(after.pid).toBe(pid);
    expect(after.threads).toBeLessThanOrEqual(threads);
    // No process holds the database open.
    const warehouse = await openWork(project.paths);
    expect((await warehouse.query('select count(*)::int from slow_5')).rows).toEqual([[5]]);
    await warehouse.close();
  });
});

describe('a unit test that never ends', () => {
  it('is interrupted by cancelling the build, and passes after the model is fixed', async () => {
    const project = await tinyProject(await temporaryFolder());
    const engine = engineOn(project, quietEffects());
    onTestFinished(() => engine.close());
    expect((await engine.affected()).status).toBe('pass');
    const { pid } = await engine.stats();
    const endless =
      "select id, amount * 2 + 0 * (select count(*) from range(10000000) a, range(10000000) b) as amount from {{ ref('numbers') }}\n";
    await project.write('models/doubled.sql', endless);
    const controller = new AbortController();
    let cancelledAt = 0;
    const building = engine.affected(
      {},
      {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.event !== 'started') return;
          setTimeout(() => {
            cancelledAt = performance.now();
            controller.abort();
          }, 300);
        },
      },
    );
    await expect(building).rejects.toThrow(InterruptedError);
    expect(performance.now() - cancelledAt).toBeLessThan(4000);
    await project.write('models/doubled.sql', "select id, amount * 2 as amount from {{ ref('numbers') }} where true\n");
    expect(await engine.affected()).toMatchObject({ status: 'pass', failing: [] });
    expect((await engine.stats()).pid).toBe(pid);
  });
});

describe('a client that disconnects during its build', () => {
  it("cancels that build, but not the next client's", async () => {
    const project = await slowProject();
    const shared = engineOn(project, quietEffects(), { shared: true });
    onTestFinished(() => shared.close());
    expect((await shared.affected()).status).toBe('pass');
    for (let round = 1; round <= 3; round += 1) {
      await project.write('models/slow_0.sql', slowSql(0, 1000 + round));
      const guest = engineOn(project, quietEffects());
      const started = new Promise<void>((resolve) => {
        void guest.affected({}, { onEvent: ({ event }) => event === 'started' && resolve() }).catch(() => undefined);
      });
      await started;
      await guest.close();
      const events: EngineEvent[] = [];
      expect(await shared.affected({}, { onEvent: (event) => events.push(event) })).toMatchObject({
        status: 'pass',
        failing: [],
      });
      expect(failures(events)).toEqual([]);
    }
  });
});
