import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { readContracts } from '../../src/ingest/schemas.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { meetup } from '../support/meetup.ts';
import { type PlainTotals, plainTotals } from './plain-totals.ts';

/** A sample with five daily drops, loaded and built once by the real `./meetup dev`. The tests below only query it. */
let folder: string;
let paths: Paths;
let plainCounts: PlainTotals;
const places = (): string[] => ['--data', paths.data, '--state-dir', paths.state];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-dev-'));
  paths = resolvePaths({ data: join(folder, 'data'), stateDir: join(folder, 'state') }, {}, folder);
  await meetup(['generate', '--scale', '0.05', '--days', '5', '--out', paths.data]);
  plainCounts = plainTotals(paths.data, await readContracts(paths.schemas));
  const first = await meetup(['dev', ...places(), '--max-rejected', '5%']);
  if (first.exitCode !== 0) throw new Error(`dev failed:\n${first.stdout}\n${first.stderr}`);
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const rowsSchema = z.array(z.record(z.string(), z.unknown()));

async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const { stdout, stderr, exitCode } = await meetup(['query', '--json', ...places(), sql]);
  if (exitCode !== 0) throw new Error(stderr);
  return rowsSchema.parse(JSON.parse(stdout));
}

describe('./meetup dev', () => {
  it('counts as many events, RSVPs and memberships as plain JavaScript does in the JSON files', async () => {
    const [counts] = await ask(
      'select (select count(*) from fct_events) as events, (select count(*) from fct_rsvps) as rsvps, (select count(*) from fct_memberships) as memberships',
    );
    expect(counts).toEqual({
      events: plainCounts.events,
      rsvps: plainCounts.rsvps,
      memberships: plainCounts.memberships,
    });
  });

  it('computes the same yes seats for every group as plain JavaScript does', async () => {
    const rows = await ask(
      'select group_id, sum(yes_seats)::bigint as seats from fct_events group by group_id having sum(yes_seats) > 0',
    );
    const expected = [...plainCounts.yesSeats].filter(([, seats]) => seats > 0);
    expect(new Map(rows.map((row) => [row.group_id, row.seats]))).toEqual(new Map(expected));
  });

  it('computes the same overlap of two groups as plain JavaScript does', async () => {
    const [pair] = await ask(
      'select * from group_overlap order by shared_members desc, group_id, other_group_id limit 1',
    );
    const one = plainCounts.members.get(Number(pair?.group_id)) ?? new Set();
    const other = plainCounts.members.get(Number(pair?.other_group_id)) ?? new Set();
    const shared = [...one].filter((user) => other.has(user)).length;
    expect(shared).toBeGreaterThan(0);
    expect(pair?.shared_members).toBe(shared);
  });

  it('gives every group, member and venue in a fact table a row in its dimension, even an orphan', async () => {
    expect(
      await ask(`select
        (select count(*) from fct_events e join dim_groups g using (group_id)) - (select count(*) from fct_events) as groups,
        (select count(*) from fct_rsvps r join dim_members m using (user_id)) - (select count(*) from fct_rsvps) as members,
        (select count(*) from fct_events e join dim_venues v using (venue_id)) - (select count(venue_id) from fct_events) as venues,
        (select count(*) > 0 from dim_members where is_unknown) as has_orphans`),
    ).toEqual([{ groups: 0, members: 0, venues: 0, has_orphans: true }]);
  });

  it('builds nothing when nothing changed, and says so', async () => {
    const { stdout, exitCode } = await meetup(['dev', ...places(), '--json', '--max-rejected', '5%']);
    expect(exitCode).toBe(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ status: 'unchanged', load: { status: 'unchanged' } });
    expect(report).not.toHaveProperty('build');
  });

  it("answers the README's question about which groups to sponsor", async () => {
    const rows = await ask(
      'select group_id, group_name, sponsor_rank from group_scorecard order by sponsor_rank limit 3',
    );
    expect(rows.map((row) => row.sponsor_rank)).toEqual([1, 2, 3]);
  });

  it('returns rows for every saved query', async () => {
    const folder = join(projectRoot, 'queries');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
    // In a sample this small, there may be no rising topic, and no group with a favourite hour.
    const mayBeEmpty = new Set(['best_slot_for_a_group.sql', 'rising_topics_by_city.sql']);
    const empty: string[] = [];
    const published = await openPublished(paths);
    for (const file of files) {
      const { rows } = await published.query(await readFile(join(folder, file), 'utf8'));
      if (rows.length === 0 && !mayBeEmpty.has(file)) empty.push(file);
    }
    await published.close();
    expect(files.length).toBeGreaterThanOrEqual(9);
    expect(empty).toEqual([]);
  });
});
