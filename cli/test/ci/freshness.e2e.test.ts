import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { renderCiMarkdown } from '../../src/ci/markdown.ts';
import type { CiPart } from '../../src/ci/report.ts';
import { run } from '../../src/commands/ci.ts';
import { load } from '../../src/ingest/load.ts';
import { type TinyProject, tinyProject } from '../deploy/tiny-project.ts';
import { quietEffects } from '../support/effects.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const effects = quietEffects({ env: { PATH: process.env.PATH } });

describe('the freshness that meetup ci reports', () => {
  let folder: string;
  let project: TinyProject;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meetup-freshness-'));
    project = await tinyProject(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Declares the source's tables, and measures. */
  const measure = async (...tables: readonly string[]) => {
    await project.write('dbt/models/sources.yml', `sources: [{name: raw, tables: [${tables.join(', ')}]}]\n`);
    const { exitCode, report } = await run({ paths: project.paths, base: 'none', only: 'freshness' }, effects);
    const part = report.parts.find((one): one is Extract<CiPart, { name: 'freshness' }> => one.name === 'freshness');
    return { exitCode, part, summary: renderCiMarkdown(report) };
  };
  const source = (name: string, query: string, limits: string): string =>
    `{name: ${name}, config: {loaded_at_query: "${query}", freshness: {${limits}}}}`;
  const days = (count: number): string => `{count: ${count}, period: day}`;
  const aged = (age: string): string =>
    `select max(cast(current_timestamp as timestamp)) - interval ${age} from {{ this }}`;

  it('is left out as long as no data is loaded', async () => {
    const { exitCode, part } = await measure('{name: groups}', '{name: events}');
    expect(exitCode).toBe(0);
    expect(part).toMatchObject({ status: 'skip', message: 'no data is loaded' });
  });

  describe('with data', () => {
    beforeAll(async () => {
      await load({ paths: project.paths, maxRejected: 1 }, effects);
    });

    it('is left out if no source declares one', async () => {
      const { part } = await measure('{name: groups}', '{name: events}');
      expect(part).toMatchObject({ status: 'skip', message: 'no source declares a freshness' });
    });

    it('is the age of the newest data; old data is a warning and fails nothing', async () => {
      const { exitCode, part, summary } = await measure(
        source('groups', aged('3 day'), `warn_after: ${days(7)}`),
        source('events', aged('50 hour'), `warn_after: ${days(1)}, error_after: ${days(2)}`),
        source('users', aged('30 hour'), `warn_after: ${days(1)}`),
      );
      expect(exitCode).toBe(0);
      expect(part?.sources.map(({ name, status }) => [name, status])).toEqual([
        ['events', 'error'],
        ['groups', 'pass'],
        ['users', 'warn'],
      ]);
      expect(summary).toContain('| freshness | ✅ passed | 3 sources, 2 stale |');
      expect(summary).toContain('raw.events: its newest data is 2 days old, past error_after.');
      expect(summary).toContain('raw.users: its newest data is 30 hours old, past warn_after.');
    });

    it('leaves out sources that are not in the local database', async () => {
      const { part } = await measure(
        '{name: groups}',
        source('events', aged('3 day'), `warn_after: ${days(7)}`),
        source('elsewhere', aged('3 day'), `warn_after: ${days(7)}`),
      );
      expect(part).toMatchObject({ status: 'pass', sources: [{ name: 'events' }] });
    });

    it('fails if it cannot be measured, with the file and the reason', async () => {
      const { exitCode, part, summary } = await measure(
        '{name: groups}',
        source('events', 'select max(creatd) from {{ this }}', `warn_after: ${days(7)}`),
      );
      expect(exitCode).toBe(1);
      expect(part).toMatchObject({ status: 'fail' });
      expect(summary).toMatch(/models\/sources\.yml: the freshness of raw\.events can't be measured: .*creatd/s);
    });
  });
});
