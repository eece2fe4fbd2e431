import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/generate.ts';
import { InterruptedError, MeetupError } from '../../src/config/errors.ts';
import type { GenerateReport } from '../../src/generate/data-set.ts';
import { renderGenerate } from '../../src/terminal/generate.ts';
import { styleFor } from '../../src/text/style.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

const SMALL = { scale: 0.002, seed: 1, days: 0 };

async function generate(out: string, options: Partial<typeof SMALL> = {}): Promise<GenerateReport> {
  const { report, exitCode } = await run({ out, ...SMALL, ...options }, quietEffects());
  expect(exitCode).toBe(0);
  return report;
}

async function listing(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

const FOUR_FILES = ['.generated.json', 'events.json', 'groups.json', 'users.json', 'venues.json'];

describe('the folder that generate writes to', () => {
  it('is made, and holds the four files and a marker, and nothing else', async () => {
    const out = join(await temporaryFolder(), 'deep', 'data');
    const report = await generate(out);
    expect(report.status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
    const events: unknown[] = JSON.parse(await readFile(join(out, 'events.json'), 'utf8'));
    expect(report.records.events).toBe(events.length);
  });

  it('is left alone where it holds exactly this data set already', async () => {
    const out = await temporaryFolder();
    await generate(out, { days: 2 });
    const before = await stat(join(out, 'events.json'));
    const report = await generate(out, { days: 2 });
    expect(report.status).toBe('unchanged');
    expect(report.drops.map(({ folder }) => folder)).toEqual(['2026-11-01', '2026-11-02']);
    expect((await stat(join(out, 'events.json'))).ino).toBe(before.ino);
  });

  it('loses the drops of an earlier run that are no longer asked for', async () => {
    const out = await temporaryFolder();
    await generate(out, { days: 3 });
    expect((await generate(out, { seed: 9, days: 1 })).status).toBe('generated');
    expect(await listing(out)).toEqual([
      '.generated.json',
      '2026-11-01',
      'events.json',
      'groups.json',
      'users.json',
      'venues.json',
    ]);
  });

  it('may hold a README, schemas and other things that are no data', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, 'schemas'));
    await writeFile(join(out, 'schemas', 'events.schema.json'), '{}');
    await writeFile(join(out, 'README.md'), 'mine');
    await generate(out);
    await generate(out, { seed: 2 });
    expect(await readFile(join(out, 'README.md'), 'utf8')).toBe('mine');
    expect(await listing(out)).toEqual([...FOUR_FILES, 'README.md', 'schemas'].sort());
  });

  it.each(['events.json', 'users.ndjson.gz', '2024-05-01/venues.json'])(
    'is refused where it holds data of somebody else: %s',
    async (file) => {
      const out = await temporaryFolder();
      await mkdir(join(out, '2024-05-01'));
      await writeFile(join(out, file), 'precious');
      const failure = await generate(out).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(MeetupError);
      expect(String(failure)).toContain(`${file} was not generated`);
      expect(await readFile(join(out, file), 'utf8')).toBe('precious');
      expect(await listing(out)).not.toContain('groups.json');
    },
  );

  it('is refused where somebody has edited a generated file, even without changing its size', async () => {
    const out = await temporaryFolder();
    await generate(out);
    const path = join(out, 'groups.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"name":"A', '"name":"B').replace('"name":"E', '"name":"F'));
    expect((await stat(path)).size).toBe(Buffer.byteLength(text));
    await expect(generate(out, { seed: 2 })).rejects.toThrow('groups.json has changed since it was generated');
  });

  it('gets a file back that was removed', async () => {
    const out = await temporaryFolder();
    await generate(out);
    await rm(join(out, 'venues.json'));
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is mended after a run that was killed while it wrote', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await writeFile(join(out, '.generating', 'events.json'), '[\n{"gro');
    // No process has this number: Linux and macOS stop well below it.
    await writeFile(join(out, '.generating', 'pid'), '999999999');
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is mended after a run that was killed before it left its number', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await utimes(join(out, '.generating'), new Date(0), new Date(0));
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is mended after a run that was killed while it put its files in place', async () => {
    const [out, other] = [await temporaryFolder(), await temporaryFolder()];
    await generate(out, { days: 1 });
    await generate(other, { seed: 2 });
    // Half of seed 2's files are there, under a marker that names both.
    const old = JSON.parse(await readFile(join(out, '.generated.json'), 'utf8'));
    const marker = JSON.parse(await readFile(join(other, '.generated.json'), 'utf8'));
    await writeFile(join(out, '.generated.json'), JSON.stringify({ ...marker, replaces: old.files }));
    await writeFile(join(out, 'groups.json'), await readFile(join(other, 'groups.json')));
    expect((await generate(out, { seed: 2 })).status).toBe('generated');
    for (const file of FOUR_FILES) {
      expect(await readFile(join(out, file), 'utf8')).toBe(await readFile(join(other, file), 'utf8'));
    }
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is refused while another generate is at work in it', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await writeFile(join(out, '.generating', 'pid'), String(process.pid));
    await expect(generate(out)).rejects.toThrow('Another `meetup generate` is writing to');
    expect(await listing(out)).toEqual(['.generating']);
  });

  it('keeps what it holds when the work is interrupted', async () => {
    const out = await temporaryFolder();
    await generate(out);
    const before = await readFile(join(out, 'events.json'), 'utf8');
    const effects = quietEffects({ signal: AbortSignal.abort() });
    await expect(run({ out, ...SMALL, seed: 2 }, effects)).rejects.toBeInstanceOf(InterruptedError);
    expect(await listing(out)).toEqual(FOUR_FILES);
    expect(await readFile(join(out, 'events.json'), 'utf8')).toBe(before);
    expect((await generate(out)).status).toBe('unchanged');
  });

  it('is refused in one sentence where it is a file', async () => {
    const out = join(await temporaryFolder(), 'data');
    await writeFile(out, 'a file');
    const failure = await generate(out).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MeetupError);
    expect(String(failure)).toContain('is a file');
  });

  // Root may write anywhere.
  it.skipIf(process.getuid?.() === 0)('is refused in one sentence where it is not writable', async () => {
    const out = await temporaryFolder();
    await chmod(out, 0o500);
    const failure = await generate(out).catch((error: unknown) => error);
    await chmod(out, 0o700);
    expect(failure).toBeInstanceOf(MeetupError);
    expect(String(failure)).toContain('not writable');
  });

  it('takes no more days than the world has', async () => {
    await expect(generate(await temporaryFolder(), { days: 367 })).rejects.toThrow('--days takes at most 366');
  });
});

describe('what generate tells people', () => {
  const style = styleFor({ isTTY: false }, {});

  it('is what was written, with a line for each of the first days', async () => {
    const out = await temporaryFolder();
    const text = renderGenerate(await generate(out, { days: 9 }), style);
    expect(text).toMatch(/^Generated .* in .* \(scale 0\.002, seed 1\)/);
    expect(text).toMatch(/events\.json +\d+ events with [\d,]+ RSVPs/);
    expect(text).toMatch(/^2026-11-03 .* –$/m);
    expect(text).toContain('and 2 more days');
  });

  it('is that nothing changed', async () => {
    const out = await temporaryFolder();
    await generate(out);
    expect(renderGenerate(await generate(out), style)).toMatch(/^Unchanged: .* holds exactly this data set/);
  });
});
