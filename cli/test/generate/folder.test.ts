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
  it('is created with the four files and a marker, and nothing else', async () => {
    const out = join(await temporaryFolder(), 'deep', 'data');
    const report = await generate(out);
    expect(report.status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
    const events: unknown[] = JSON.parse(await readFile(join(out, 'events.json'), 'utf8'));
    expect(report.records.events).toBe(events.length);
  });

  it('is left unchanged if it already contains exactly this data set', async () => {
    const out = await temporaryFolder();
    await generate(out, { days: 2 });
    const before = await stat(join(out, 'events.json'));
    const report = await generate(out, { days: 2 });
    expect(report.status).toBe('unchanged');
    expect(report.drops.map(({ folder }) => folder)).toEqual(['2026-11-01', '2026-11-02']);
    expect((await stat(join(out, 'events.json'))).ino).toBe(before.ino);
  });

  it('loses drops of an earlier run that the new data set does not have', async () => {
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

  it('may also contain a README, schemas and other files that are not data', async () => {
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
    'is rejected if it contains data that was not generated: %s',
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

  it('is rejected if a generated file was edited, even if its size is the same', async () => {
    const out = await temporaryFolder();
    await generate(out);
    const path = join(out, 'groups.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"name":"A', '"name":"B').replace('"name":"E', '"name":"F'));
    expect((await stat(path)).size).toBe(Buffer.byteLength(text));
    await expect(generate(out, { seed: 2 })).rejects.toThrow('groups.json has changed since it was generated');
  });

  it('gets a removed file back', async () => {
    const out = await temporaryFolder();
    await generate(out);
    await rm(join(out, 'venues.json'));
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is repaired after a run that was killed while writing', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await writeFile(join(out, '.generating', 'events.json'), '[\n{"gro');
    // No process has this id, which is far above the limits of Linux and macOS.
    await writeFile(join(out, '.generating', 'pid'), '999999999');
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is repaired after a run that was killed before it wrote its process id', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await utimes(join(out, '.generating'), new Date(0), new Date(0));
    expect((await generate(out)).status).toBe('generated');
    expect(await listing(out)).toEqual(FOUR_FILES);
  });

  it('is repaired after a run that was killed while moving its files into place', async () => {
    const [out, other] = [await temporaryFolder(), await temporaryFolder()];
    await generate(out, { days: 1 });
    await generate(other, { seed: 2 });
    // Some files are from seed 2, and the marker lists the old and the new files.
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

  it('is rejected while another generate is writing to it', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, '.generating'));
    await writeFile(join(out, '.generating', 'pid'), String(process.pid));
    await expect(generate(out)).rejects.toThrow('Another `meetup generate` is writing to');
    expect(await listing(out)).toEqual(['.generating']);
  });

  it('keeps its files if generate is interrupted', async () => {
    const out = await temporaryFolder();
    await generate(out);
    const before = await readFile(join(out, 'events.json'), 'utf8');
    const effects = quietEffects({ signal: AbortSignal.abort() });
    await expect(run({ out, ...SMALL, seed: 2 }, effects)).rejects.toBeInstanceOf(InterruptedError);
    expect(await listing(out)).toEqual(FOUR_FILES);
    expect(await readFile(join(out, 'events.json'), 'utf8')).toBe(before);
    expect((await generate(out)).status).toBe('unchanged');
  });

  it('is rejected with one sentence if it is a file', async () => {
    const out = join(await temporaryFolder(), 'data');
    await writeFile(out, 'a file');
    const failure = await generate(out).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MeetupError);
    expect(String(failure)).toContain('is a file');
  });

  // Root can write anywhere.
  it.skipIf(process.getuid?.() === 0)('is rejected with one sentence if it is not writable', async () => {
    const out = await temporaryFolder();
    await chmod(out, 0o500);
    const failure = await generate(out).catch((error: unknown) => error);
    await chmod(out, 0o700);
    expect(failure).toBeInstanceOf(MeetupError);
    expect(String(failure)).toContain('not writable');
  });

  it('can have at most 366 daily drops', async () => {
    await expect(generate(await temporaryFolder(), { days: 367 })).rejects.toThrow('--days takes at most 366');
  });
});

describe('the output of generate', () => {
  const style = styleFor({ isTTY: false }, {});

  it('lists what was written, with a line for each of the first days', async () => {
    const out = await temporaryFolder();
    const text = renderGenerate(await generate(out, { days: 9 }), style);
    expect(text).toMatch(/^Generated .* in .* \(scale 0\.002, seed 1\)/);
    expect(text).toMatch(/events\.json +\d+ events with [\d,]+ RSVPs/);
    expect(text).toMatch(/^2026-11-03 .* –$/m);
    expect(text).toContain('and 2 more days');
  });

  it('says if nothing changed', async () => {
    const out = await temporaryFolder();
    await generate(out);
    expect(renderGenerate(await generate(out), style)).toMatch(/^Unchanged: .* already contains exactly this data set/);
  });
});
