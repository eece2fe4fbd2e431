import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import type { EngineEvent } from '../../src/engine/protocol.ts';
import { chanceFrom, numberFrom } from '../support/chance.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { engineOn, type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });

const ROUNDS = numberFrom('MEETUP_CANCEL_ROUNDS', 25);
const SEED = numberFrom('MEETUP_CANCEL_SEED', 1);

const failures = (events: readonly EngineEvent[]): EngineEvent[] =>
  events.filter((event) => event.event === 'finished' && !['success', 'pass', 'skipped'].includes(event.status));

const SLOW_MODELS = 6;

/** A project whose builds take some hundred milliseconds, in queries and between them. */
async function slowProject(): Promise<TinyProject> {
  const project = await tinyProject(await temporaryFolder());
  for (let i = 0; i < SLOW_MODELS; i += 1) await project.write(`models/slow_${i}.sql`, slowSql(i, 0));
  return project;
}

/** Each reads the one before it. */
function slowSql(i: number, edit: number): string {
  const upstream = i === 0 ? 'numbers' : `slow_${i - 1}`;
  return `select id, ${edit} as edit, (select sum(hash(range)::hugeint) from range(3000000)) as h from {{ ref('${upstream}') }}\n`;
}

describe('a build that is cancelled at any moment', () => {
  it(`leaves no failure, no thread and no engine behind (${ROUNDS} cancels, seed ${SEED})`, async () => {
    const project = await slowProject();
    const engine = engineOn(project, quietEffects());
    onTestFinished(() => engine.close());
    expect((await engine.affected()).status).toBe('pass');
    const { pid, threads } = await engine.stats();
    const chance = chanceFrom(SEED);
    const told: EngineEvent[] = [];
    let cancelled = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const edited = chance.below(SLOW_MODELS);
      await project.write(`models/slow_${edited}.sql`, slowSql(edited, round));
      const controller = new AbortController();
      const building = engine.affected({}, { signal: controller.signal, onEvent: (event) => told.push(event) });
      await delay(chance.below(chance.of([20, 100, 400])));
      controller.abort();
      const outcome = await building.catch((error: unknown) => error);
      if (outcome instanceof InterruptedError) cancelled += 1;
      else expect(outcome).toMatchObject({ failing: [] });
    }
    expect(cancelled).toBeGreaterThan(ROUNDS / 3);
    expect(failures(told)).toEqual([]);
    const whole = await engine.affected({}, { onEvent: (event) => told.push(event) });
    expect(whole).toMatchObject({ status: 'pass', failing: [] });
    expect(failures(told)).toEqual([]);
    const after = await engine.stats();
    expect(after.pid).toBe(pid);
    expect(after.threads).toBeLessThanOrEqual(threads);
  });
});
