import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import type { Launch } from '../../src/rehearsal/supervisor/launch.ts';
import { cutLog, logFile } from '../../src/rehearsal/supervisor/log-file.ts';
import { sparkArguments } from '../../src/rehearsal/supervisor/spark-files.ts';
import { SparkKeeper } from '../../src/rehearsal/supervisor/spark-keeper.ts';
import { temporaryFolder } from '../support/effects.ts';

/** The behaviour of a fake Spark after one start. `stays` listens until its standard input ends, as Spark does. */
type Life = 'stays' | 'listens, then ends' | 'ends at once';

/** A keeper of fake Spark processes, each with the next behaviour. The last one repeats. */
async function keeperOf(...lives: Life[]) {
  const folder = await temporaryFolder();
  const places = rehearsalPlaces({ state: folder, logs: join(folder, 'logs') });
  await mkdir(join(folder, 'logs'));
  const starts = join(folder, 'starts');
  const java = join(folder, 'java');
  await writeFile(
    java,
    `#!${process.execPath}
    const fs = require('node:fs');
    const lives = ${JSON.stringify(lives)};
    const before = fs.existsSync(${JSON.stringify(starts)}) ? fs.readFileSync(${JSON.stringify(starts)}, 'utf8').length : 0;
    fs.appendFileSync(${JSON.stringify(starts)}, 'x');
    const life = lives[Math.min(before, lives.length - 1)];
    if (life === 'ends at once') { console.error('ERROR no memory'); process.exit(3); }
    console.log('x'.repeat(200_000));
    console.error('INFO Starting ThriftBinaryCLIService on port ' + (1000 + before));
    process.stdin.on('end', () => process.exit(143)).resume();
    if (life === 'listens, then ends') setTimeout(() => process.exit(1), 50);`,
  );
  await chmod(java, 0o700);
  const launch: Launch = {
    run: 'r',
    state: folder,
    logs: join(folder, 'logs'),
    java,
    classPath: [],
    sparkHome: folder,
    memory: '1g',
    javaOptions: ['-XX:TieredStopAtLevel=1'],
    idleMs: 1000,
  };
  const lines: string[] = [];
  const keeper = new SparkKeeper(places, launch, (line) => lines.push(line.replaceAll(/Spark \d+/g, 'Spark')), 10);
  onTestFinished(() => keeper.end());
  return { keeper, lines, places, startedTimes: async () => (await readFile(starts, 'utf8')).length };
}

/** Resolves when Spark listens on this port. */
async function listening(keeper: SparkKeeper, port: number): Promise<void> {
  await expect.poll(async () => (await keeper.address()).port, { timeout: 10_000 }).toBe(port);
}

describe('Spark', () => {
  it('causes an error with the reason if its first start fails', async () => {
    const { keeper, startedTimes } = await keeperOf('ends at once');
    await expect(keeper.run()).rejects.toThrow('Spark failed to start: it ended with exit code 3. ERROR no memory');
    expect(await startedTimes()).toBe(1);
  });

  it('is started again when it ends, even if the next starts fail', async () => {
    const { keeper, lines } = await keeperOf('listens, then ends', 'ends at once', 'ends at once', 'stays');
    const running = keeper.run();
    await listening(keeper, 1003);
    await keeper.end();
    expect(await running).toBe(0);
    expect(lines.filter((line) => line.startsWith('Spark failed to start'))).toHaveLength(2);
  });

  it("gets the user's Java options after meetup's own, before the class", async () => {
    const { keeper, places } = await keeperOf('stays');
    const running = keeper.run();
    await listening(keeper, 1000);
    const options = (await readFile(sparkArguments(places), 'utf8')).split('\n').filter((line) => line !== '');
    expect(options.slice(-4)).toEqual([
      '"-XX:TieredStopAtLevel=1"',
      '"-cp"',
      expect.anything(),
      '"meetup.rehearsal.RehearsalServer"',
    ]);
    await keeper.end();
    await running;
  });

  it('starts with an empty scratch folder', async () => {
    const { keeper, places } = await keeperOf('stays');
    await mkdir(join(places.scratch, 'blockmgr-of-a-killed-one'), { recursive: true });
    const running = keeper.run();
    await listening(keeper, 1000);
    expect(await readdir(places.scratch)).toEqual([]);
    await keeper.end();
    await running;
  });

  it('is not started again after it ended several times', async () => {
    const { keeper, lines } = await keeperOf('listens, then ends', 'ends at once');
    await expect(keeper.run()).rejects.toThrow('Spark ended 5 times: giving up.');
    expect(lines).toEqual([
      'Spark listens on port 1000',
      'Spark ended',
      ...Array.from({ length: 4 }, () => [
        'starting another Spark',
        expect.stringContaining('Spark failed to start'),
      ]).flat(),
    ]);
  });

  it('keeps running if its process id cannot be written', async () => {
    const { keeper, lines } = await keeperOf('listens, then ends', 'stays');
    let starts = 0;
    keeper.onStarted = async () => {
      starts += 1;
      if (starts > 1) throw new Error('no space left on device');
    };
    const running = keeper.run();
    await listening(keeper, 1001);
    await expect.poll(() => lines).toContain('no space left on device');
    await keeper.end();
    expect(await running).toBe(0);
  });

  it('keeps running if its log cannot be written', async () => {
    const { keeper, places } = await keeperOf('stays');
    await mkdir(places.sparkLog);
    const running = keeper.run();
    await listening(keeper, 1000);
    await keeper.end();
    expect(await running).toBe(0);
  });
});

describe('a log', () => {
  it('is emptied when it is too long', async () => {
    const path = join(await temporaryFolder(), 'spark.log');
    cutLog(path);
    await writeFile(path, 'x'.repeat(5_000_000));
    cutLog(path);
    expect((await stat(path)).size).toBe(5_000_000);
    logFile(path)('x');
    cutLog(path);
    expect((await stat(path)).size).toBe(0);
  });

  it('is written again as soon as that is possible', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'logs', 'spark.log');
    const log = logFile(path);
    log('lost\n');
    await mkdir(join(folder, 'logs'));
    log('kept\n');
    expect(await readFile(path, 'utf8')).toBe('kept\n');
  });
});
