import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MeetupError } from '../../src/config/errors.ts';
import { projectRoot } from '../../src/config/paths.ts';
import type { EngineClient, EngineOptions } from '../../src/engine/client.ts';
import { EngineConnection } from '../../src/engine/connection.ts';
import { EngineRefusedError } from '../../src/engine/errors.ts';
import { announcedEngine, announceEngine, engineToken } from '../../src/engine/location.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { engineOn, isAlive, type TinyProject, tinyProject } from './project.ts';

// Importing dbt takes three seconds on an idle machine, and many more when all cores are busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const patience = { checkEveryMs: 250, silentChecks: 12, idleChecks: 400 };

async function projectWithEngine(
  options: EngineOptions = {},
  project?: TinyProject,
): Promise<{ project: TinyProject; engine: EngineClient }> {
  const made = project ?? (await tinyProject(await temporaryFolder()));
  const engine = engineOn(made, quietEffects(), options);
  onTestFinished(() => engine.close());
  return { project: made, engine };
}

/** An event listener that calls `act` with the engine's process id whenever a node starts. */
function whenWorking(engine: EngineClient, act: (pid: number) => void): (event: { event: string }) => void {
  return (event) => {
    if (event.event === 'started' && engine.pid !== undefined) act(engine.pid);
  };
}

async function hasEnded(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && isAlive(pid); i += 1) await delay(50);
  return !isAlive(pid);
}

describe('an engine that stops unexpectedly', () => {
  it('is started again, and the request repeated', async () => {
    const { project, engine } = await projectWithEngine();
    const restarts: string[] = [];
    const killed: number[] = [];
    const kill = (pid: number): void => {
      if (killed.length > 0) return;
      killed.push(pid);
      process.kill(pid, 'SIGKILL');
    };
    const answer = await engine.build(
      {},
      { onEvent: whenWorking(engine, kill), onRestart: (reason) => restarts.push(reason) },
    );
    expect(answer.status).toBe('pass');
    expect(answer.nodes).toHaveLength(7);
    expect(restarts).toHaveLength(1);
    expect(engine.pid).not.toBe(killed[0]);
    const warehouse = await openWork(project.paths);
    expect((await warehouse.query('select total from total')).rows).toEqual([[200]]);
    await warehouse.close();
  }, 240_000);

  it('twice during one request makes it fail with one sentence', async () => {
    const { engine } = await projectWithEngine();
    const building = engine.build({}, { onEvent: whenWorking(engine, (pid) => process.kill(pid, 'SIGKILL')) });
    await expect(building).rejects.toThrow(
      /The dbt engine stopped unexpectedly twice during build \(signal SIGKILL\): free some/,
    );
    await expect(building).rejects.toBeInstanceOf(MeetupError);
    // The next request starts a new engine.
    expect((await engine.parse()).status).toBe('ok');
  }, 240_000);

  it('is also replaced if it hangs', async () => {
    const { engine } = await projectWithEngine({ patience });
    expect((await engine.parse()).status).toBe('ok');
    const frozen = engine.pid ?? 0;
    process.kill(frozen, 'SIGSTOP');
    const reasons: string[] = [];
    const answer = await engine.build({}, { onRestart: (reason) => reasons.push(reason) });
    expect(answer.status).toBe('pass');
    expect(reasons).toEqual(['The engine does not answer.']);
    expect(isAlive(frozen)).toBe(false);
  }, 240_000);
});

describe('an engine without a Python environment', () => {
  it('fails with one sentence', async () => {
    const project = await tinyProject(await temporaryFolder(), { raw: false });
    const paths = { ...project.paths, toolchain: '/nowhere', python: '/nowhere/python/bin/python' };
    const engine = engineOn({ ...project, paths }, quietEffects());
    await expect(engine.parse()).rejects.toThrow('There is no Python environment at /nowhere: run `./meetup doctor`');
  });
});

describe('an engine process', () => {
  it('does not outlive a parent that is killed', async () => {
    const project = await tinyProject(await temporaryFolder());
    const { token, file } = await engineToken(project.paths);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const server = join(projectRoot, 'cli/src/engine/python/main.py');
    const socket = join(project.paths.state, 'orphan.sock');
    // A parent that starts an engine as meetup does and prints its pid. It is killed while the engine imports dbt.
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(${JSON.stringify(project.paths.python)}, ['-E', '-s', ${JSON.stringify(server)}, ${JSON.stringify(socket)}, ${JSON.stringify(file)}],
        { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdout.once('data', () => console.log(child.pid));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await hasEnded(pid)).toBe(true);
  });

  it('ends when its client closes', async () => {
    const { engine } = await projectWithEngine();
    await engine.warmUp();
    const pid = engine.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    await engine.close();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a shared engine', () => {
  it('accepts only clients that know the token, which only the owner can read', async () => {
    const { project, engine } = await projectWithEngine({ shared: true });
    await engine.warmUp();
    const announced = await announcedEngine(project.paths);
    const socket = announced?.socket ?? '';
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect((await stat(join(project.paths.state, 'engine.token'))).mode & 0o777).toBe(0o600);
    const refused = EngineConnection.open(socket, 'guessed');
    await expect(refused).rejects.toThrow(new EngineRefusedError('refused', 'The token is wrong.'));
    const { token } = await engineToken(project.paths);
    const connection = await EngineConnection.open(socket, token);
    connection.close();
  });

  it('serves other processes, until its owner closes it', async () => {
    const { project, engine } = await projectWithEngine({ shared: true });
    await engine.warmUp();
    const other = (await projectWithEngine({}, project)).engine;
    expect((await other.build()).status).toBe('pass');
    expect(other.pid).toBeUndefined();
    expect((await other.stats()).pid).toBe(engine.pid);
    await other.close();
    expect(isAlive(engine.pid ?? 0)).toBe(true);
    await engine.close();
    expect(await announcedEngine(project.paths)).toBeUndefined();
  }, 240_000);

  it('is replaced by a new one if it was announced but no longer runs', async () => {
    const { project, engine } = await projectWithEngine();
    await announceEngine(project.paths, { socket: join(project.paths.state, 'gone.sock'), pid: 999_999_999 });
    expect((await engine.parse()).status).toBe('ok');
    expect(engine.pid).toBeDefined();
  });

  it('can be found even if the path of the state folder is too long for a socket', async () => {
    const folder = await temporaryFolder();
    const state = join(folder, 'a-rather-long-name-'.repeat(8));
    const project = await tinyProject(folder, { state });
    const { engine } = await projectWithEngine({ shared: true }, project);
    await engine.warmUp();
    const socket = (await announcedEngine(project.paths))?.socket ?? '';
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    const other = (await projectWithEngine({}, project)).engine;
    expect((await other.stats()).pid).toBe(engine.pid);
  });
});
