import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/commands/generate.ts';
import { projectRoot } from '../../src/config/paths.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

const execute = promisify(execFile);

describe('the size of a data set', () => {
  it('grows in proportion to the scale, whatever the seed', async () => {
    const out = await temporaryFolder();
    let number = 0;
    const sizes = async (
      scale: number,
      seed: number,
    ): Promise<{ events: number; rsvps: number; memberships: number }> => {
      number += 1;
      const { report } = await run({ out: join(out, String(number)), scale, seed, days: 0 }, quietEffects());
      return { events: report.records.events, rsvps: report.rsvps, memberships: report.memberships };
    };
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.1, max: 0.2, noNaN: true }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        async (scale, seed) => {
          const [one, twice] = [await sizes(scale, seed), await sizes(scale * 2, seed)];
          for (const what of ['events', 'rsvps', 'memberships'] as const) {
            const growth = twice[what] / one[what];
            // It is 2 on average, but a few large groups make a big difference in a small data set.
            expect(growth, `${what} at ${scale} and ${scale * 2}`).toBeGreaterThan(1.4);
            expect(growth, `${what} at ${scale} and ${scale * 2}`).toBeLessThan(2.8);
          }
        },
      ),
      // A fixed seed, so that a rare data set with a giant weekly group can't fail a build.
      { numRuns: 3, seed: 20_261_123 },
    );
  }, 240_000);
});

describe('a generate process', () => {
  let compiled: string;

  beforeAll(async () => {
    // Inside node_modules, so that the compiled code finds its packages.
    const cache = join(projectRoot, 'node_modules', '.cache');
    await mkdir(cache, { recursive: true });
    compiled = await mkdtemp(join(cache, 'generate-test-'));
    const tsc = join(projectRoot, 'node_modules', '.bin', 'tsc');
    // Type errors don't matter here. Another check reports them.
    await execute(tsc, ['-p', join(projectRoot, 'tsconfig.build.json'), '--outDir', compiled]).catch(() => undefined);
    await writeFile(
      join(compiled, 'measure.mjs'),
      `import { run } from './commands/generate.js';
       const [out, scale] = process.argv.slice(2);
       const effects = {
         clock: { now: () => 0, elapsed: () => 0 },
         reporter: { note() {}, warn() {}, progress() {}, detail() {} },
         env: {},
         signal: new AbortController().signal,
       };
       const { report } = await run({ out, scale: Number(scale), seed: 1, days: 30 }, effects);
       console.log(JSON.stringify({ bytes: report.bytes, peak: process.resourceUsage().maxRSS * 1024 }));`,
    );
  }, 120_000);

  afterAll(() => rm(compiled, { recursive: true, force: true }));

  it('leaves no data files behind when it is killed, and the next run starts over', async () => {
    const out = join(await temporaryFolder(), 'data');
    const child = spawn(process.execPath, [join(compiled, 'measure.mjs'), out, '1'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const isWriting = async (): Promise<boolean> => (await stat(join(out, '.generating', 'events.json'))).size > 0;
    await expect.poll(() => isWriting().catch(() => false), { timeout: 30_000, interval: 20 }).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(await readdir(out)).toEqual(['.generating']);
    const { report } = await run({ out, scale: 0.01, seed: 1, days: 0 }, quietEffects());
    expect(report.status).toBe('generated');
    expect((await readdir(out)).sort()).toEqual([
      '.generated.json',
      'events.json',
      'groups.json',
      'users.json',
      'venues.json',
    ]);
  }, 60_000);

  const measured = z.object({ bytes: z.number(), peak: z.number() });

  async function measure(scale: number): Promise<{ bytes: number; peak: number }> {
    const out = join(await temporaryFolder(), 'data');
    const { stdout } = await execute(process.execPath, [join(compiled, 'measure.mjs'), out, String(scale)]);
    return measured.parse(JSON.parse(stdout));
  }

  it('needs constant memory: at most a fifth more for three times the data', async () => {
    const one = await measure(1);
    const three = await measure(3);
    expect(three.bytes).toBeGreaterThan(one.bytes * 2.6);
    expect(three.peak).toBeLessThan(one.peak * 1.2 + 20e6);
    expect(three.peak).toBeLessThan(300e6);
  }, 300_000);
});
