import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { meetup } from '../support/meetup.ts';
import { copyProject } from '../support/project-copy.ts';
import { publishedRows } from '../support/rows.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { type Outcome, Watching } from '../support/watching.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('kinds of changes'));

vi.setConfig({ testTimeout: 120_000 });

/** A real `dev --watch` on a copy of the project. The project works after each test. */
let folder: string;
let project: string;
let state: string;
let watching: Watching;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-watch-'));
  project = join(folder, 'project');
  state = join(folder, 'state');
  await copyProject(project);
  await meetup(['generate', '--scale', '0.02', '--days', '2', '--out', join(folder, 'sample')]);
  const [first, ...later] = readdirSync(join(folder, 'sample'))
    .filter((name) => name !== 'schemas')
    .sort();
  await cp(join(folder, 'sample'), join(project, 'data'), {
    recursive: true,
    filter: (path) => !later.some((name) => path.endsWith(`/${name}`) && /^\d{4}-/.test(name)),
  });
  expect(first).toBeDefined();
  watching = new Watching(project, state, ['--max-rejected', '5%']);
  await watching.ready;
}, 600_000);

afterAll(async () => {
  await watching?.stop();
  await rm(folder, { recursive: true, force: true });
});

const text = (file: string): string => readFileSync(join(project, file), 'utf8');
const eventsOf = (outcome: Outcome, kind: string) => outcome.events.filter(({ event }) => event === kind);

/** Saves a change, waits for the build and undoes the change. Returns the outcome of the build. */
async function tryChange(file: string, change: (before: string) => string): Promise<Outcome> {
  const before = existsSync(join(project, file)) ? text(file) : undefined;
  const changed = await watching.save(file, change);
  const back =
    before === undefined ? await watching.after(() => rm(join(project, file))) : await watching.save(file, before);
  expect(back.done).toMatchObject({ status: 'pass', failing: [] });
  return changed;
}

const rows = (sql: string) => publishedRows(resolvePaths({ stateDir: state }, {}, folder), sql);

const leaf = 'dbt/models/marts/organisers/time_slots.sql';

describeInTurn('a changed model', () => {
  it('is not built if a unit test fails', async () => {
    const changed = await tryChange(leaf, (sql) =>
      sql.replace('count_if(is_full) as full_events', 'count(*) as full_events'),
    );
    expect(changed.done).toMatchObject({ status: 'fail', built: [] });
    expect(changed.done.failing).toContain('every_hour_of_the_week_has_a_row');
    expect(JSON.stringify(changed.events)).toContain('"difference"');
  });

  it('is rebuilt and tested, unit tests first, and published by the time the build is reported as done', async () => {
    const before = text(leaf);
    const changed = await watching.save(leaf, (sql) =>
      sql.replace('left join counted', 'left join (select * from counted where held_events <> 5) as counted'),
    );
    const full = await rows('select count(*)::int, count(*) filter (where held_events = 5)::int from marts.time_slots');
    expect(changed.done.built).toEqual(['time_slots']);
    expect(full).toEqual([[168, 0]]);
    const ran = changed.events.filter(({ event }) => event === 'test' || event === 'model').map(({ name }) => name);
    expect(ran[0]).toBe('every_hour_of_the_week_has_a_row');
    expect(ran[1]).toBe('time_slots');
    // This test compares the rows with the fact tables, and notices the missing ones.
    expect(changed.tests).toContain('organisers_lose_no_held_event');
    const back = await watching.save(leaf, before);
    expect(back.done).toMatchObject({ status: 'pass', failing: [] });
  });

  it('does not rebuild downstream models if its rows stay the same', async () => {
    const changed = await tryChange(
      'dbt/models/marts/core/dim_topics.sql',
      (sql) => `${sql.trimEnd()}\nlimit 1000000\n`,
    );
    expect(changed.done.built).toEqual(['dim_topics']);
    expect(changed.done.spared).toContain('topic_months');
    expect(changed.done.unchanged).toEqual(['dim_topics']);
  });

  it.each([
    ['a comment', (sql: string) => `-- what this is for\n${sql}`],
    ['a Jinja comment', (sql: string) => `{# what this is for #}\n${sql}`],
    ['whitespace', (sql: string) => sql.replace('\nfrom slots\n', '\n    from\n        slots\n')],
  ])('is not rebuilt if only %s changed', async (_, change) => {
    const changed = await tryChange(leaf, change);
    expect(changed.done).toMatchObject({ status: 'pass', built: [], spared: [] });
    expect(changed.tests).toEqual([]);
  });

  it('is reported with the line in its own file if DuckDB rejects it, and the next valid save fixes it', async () => {
    const changed = await tryChange(leaf, (sql) => sql.replace('avg(yes_seats)', 'avg(yes_seatz)'));
    expect(changed.done.status).toBe('fail');
    const line =
      text(leaf)
        .split('\n')
        .findIndex((content) => content.includes('avg(yes_seats)')) + 1;
    const reported = JSON.stringify(changed.events);
    expect(reported).toContain('yes_seatz');
    expect(reported).toMatch(new RegExp(`"line":${line}\\b`));
    expect(reported).not.toContain('Traceback');
  });

  it('does not end the watch if its Jinja is invalid', async () => {
    const changed = await tryChange(leaf, (sql) => sql.replace("{{ ref('fct_events') }}", "{{ ref('fct_events' }}"));
    expect(changed.done).toMatchObject({ status: 'fail', built: [] });
    expect(eventsOf(changed, 'problem')).toHaveLength(1);
  });

  it('is built if it is new, replaced if it is renamed, and dropped if it is removed', async () => {
    const sql = "{{ config(contract={'enforced': false}) }}\nselect count(*) as slots from {{ ref('time_slots') }}\n";
    const made = await watching.save('dbt/models/marts/organisers/how_many_slots.sql', sql);
    expect(made.done.built).toEqual(['how_many_slots']);
    const renamed = await watching.after(() =>
      rename(
        join(project, 'dbt/models/marts/organisers/how_many_slots.sql'),
        join(project, 'dbt/models/marts/organisers/slots_in_all.sql'),
      ),
    );
    expect(renamed.done).toMatchObject({ built: ['slots_in_all'], removed: ['marts.how_many_slots'] });
    const gone = await watching.after(() => rm(join(project, 'dbt/models/marts/organisers/slots_in_all.sql')));
    expect(gone.done).toMatchObject({ status: 'pass', built: [], removed: ['marts.slots_in_all'] });
    expect(
      await rows("select count(*)::int from duckdb_tables() where table_name in ('how_many_slots', 'slots_in_all')"),
    ).toEqual([[0]]);
  });
});

describeInTurn('a YAML file', () => {
  const yaml = 'dbt/models/marts/organisers/_organisers__models.yml';

  it('with a changed description rebuilds and tests nothing', async () => {
    const changed = await tryChange(yaml, (before) =>
      before.replace('One row per local weekday and hour', 'A row for each local weekday and hour'),
    );
    expect(changed.done).toMatchObject({ status: 'pass', built: [] });
    expect(changed.tests).toEqual([]);
  });

  it('with a new test runs only that test', async () => {
    const changed = await tryChange(yaml, (before) =>
      before.replace(
        "description: The event's name.",
        "description: The event's name.\n        data_tests: [not_null]",
      ),
    );
    expect(changed.done.built).toEqual([]);
    expect(changed.tests).toEqual(['not_null_event_performance_event_name']);
  });

  it('with a failing test has the failure repeated, with file, line and rows, after saves that do not concern it', async () => {
    const before = text(yaml);
    const leafBefore = text(leaf);
    // More failing values than the sample shows.
    const failing = await watching.save(yaml, (whole) =>
      whole.replace(
        "description: The event's name.",
        "description: The event's name.\n        data_tests: [{accepted_values: {arguments: {values: [nothing]}}}]",
      ),
    );
    const other = await watching.save(leaf, (sql) => `-- what this is for\n${sql}`);
    await watching.save(leaf, leafBefore);
    const fixed = await watching.save(yaml, before);

    const name = 'accepted_values_event_performance_event_name__nothing';
    const verdictIn = (outcome: Outcome) => eventsOf(outcome, 'test').find((event) => event.name === name);
    expect(failing.done.failing).toEqual([name]);
    expect(verdictIn(failing)).toMatchObject({ status: 'fail', line: expect.any(Number), sample: expect.anything() });
    expect(other.done).toMatchObject({ status: 'fail', built: [], failing: [name] });
    expect(verdictIn(other)).toEqual({ ...verdictIn(failing), ms: expect.any(Number) });
    expect(fixed.done).toMatchObject({ status: 'pass', failing: [] });
  });

  it('with a changed contract rebuilds the model', async () => {
    const changed = await tryChange(yaml, (before) =>
      before.replace(/(name: full_events\n\s+description: .*\n\s+data_type: )bigint/, '$1int'),
    );
    // The model returns a bigint, which the contract no longer allows.
    expect(changed.done.status).toBe('fail');
    expect(changed.done.failing.length).toBeGreaterThan(0);
  });

  it('with a syntax error is reported once and does not end the watch', async () => {
    const changed = await tryChange(yaml, (before) => before.replace('\nmodels:\n', '\nmodels:\n - - broken: [\n'));
    expect(changed.done).toMatchObject({ status: 'fail', built: [] });
    expect(eventsOf(changed, 'problem')).toHaveLength(1);
  });
});

describeInTurn('a macro', () => {
  it('rebuilds the models that use it, but not those downstream if the rows stay the same', async () => {
    const changed = await tryChange('dbt/macros/rules/numbers.sql', (before) =>
      before.replace('nullif({{ denominator }}, 0)', 'nullif({{ denominator }}, 0 + 0)'),
    );
    expect(changed.done.status).toBe('pass');
    expect(changed.done.built.toSorted()).toEqual([
      'attendee_cohorts',
      'city_topics',
      'data_quality',
      'event_forecasts',
      'event_performance',
      'forecast_accuracy',
      'group_months',
      'group_overlap',
      'group_scorecard',
      'group_time_slots',
      'rsvp_curves',
      'time_slots',
      'topic_months',
    ]);
    expect(changed.done.spared).toContain('venue_scorecard');
  });
});

describeInTurn('a seed', () => {
  it('is built together with the models that read it', async () => {
    const made = await watching.after(async () => {
      await mkdir(join(project, 'dbt/seeds'), { recursive: true });
      await writeFile(join(project, 'dbt/seeds/offices.csv'), 'city,desks\nAmsterdam,40\n');
      await writeFile(
        join(project, 'dbt/models/marts/organisers/desks.sql'),
        "{{ config(contract={'enforced': false}) }}\nselect sum(desks) as desks from {{ ref('offices') }}\n",
      );
    });
    expect(made.done.built.toSorted()).toEqual(['desks', 'offices']);
    const changed = await watching.save('dbt/seeds/offices.csv', 'city,desks\nAmsterdam,40\nUtrecht,2\n');
    expect(changed.done.built.toSorted()).toEqual(['desks', 'offices']);
    expect(await rows('select desks::int from marts.desks')).toEqual([[42]]);
    const gone = await watching.after(async () => {
      await rm(join(project, 'dbt/models/marts/organisers/desks.sql'));
      await rm(join(project, 'dbt/seeds'), { recursive: true });
    });
    expect(gone.done.status).toBe('pass');
  });
});

const SNAPSHOT = `
snapshots:
  - name: groups_history
    description: One row per group and state it was found in.
    relation: ref('int_groups_latest')
    config: {schema: snapshots, group: platform, unique_key: group_id, strategy: check, check_cols: [group_name, city]}
`;

describeInTurn('a snapshot', () => {
  it('is taken again if its definition changed', async () => {
    const file = 'dbt/snapshots/_snapshots.yml';
    const made = await watching.after(async () => {
      await mkdir(join(project, 'dbt/snapshots'), { recursive: true });
      await writeFile(join(project, file), SNAPSHOT);
    });
    expect(made.done).toMatchObject({ status: 'pass', built: ['groups_history'] });
    const changed = await tryChange(file, (before) => before.replace('[group_name, city]', '[group_name]'));
    expect(changed.done).toMatchObject({ status: 'pass', built: ['groups_history'] });
    await watching.after(() => rm(join(project, 'dbt/snapshots'), { recursive: true }));
  });
});

describeInTurn('a changed fixture', () => {
  it('runs only its own test', async () => {
    const changed = await tryChange('fixtures/models/time_slots/slots.yml', (before) =>
      before.replace("('coming', yes_seats: )99", '').replace('yes_seats: 99', 'yes_seats: 98'),
    );
    expect(changed.done).toMatchObject({ status: 'pass', built: [] });
    expect(changed.tests).toEqual(['every_hour_of_the_week_has_a_row']);
  });
});

describeInTurn('a change in dbt_project.yml or profiles.yml', () => {
  it('affects only the models that read a changed variable', async () => {
    const changed = await tryChange('dbt/dbt_project.yml', (before) =>
      before.replace('lapsed_days: 180', 'lapsed_days: 181'),
    );
    // The fixtures fail because they test the old value, so the models are not built.
    expect(changed.tests).toContain('a_group_lapses_and_revives');
    const { status, failing } = changed.done;
    expect([status, ...[...failing].sort()]).toEqual([
      'fail',
      'a_group_lapses_after_180_days_by_default',
      'groups_that_cannot_be_sponsored_score_zero',
    ]);
    const names = changed.events.map(({ name }) => name);
    expect(names).not.toContain('venue_scorecard');
    expect(names).not.toContain('fct_events');
  });

  it('rebuilds nothing if it is only a comment in the profile', async () => {
    const changed = await tryChange('profiles/profiles.yml', (before) => `# here\n${before}`);
    expect(changed.done).toMatchObject({ status: 'pass', built: [] });
  });

  it('does not end the watch if it makes the profile invalid', async () => {
    const changed = await tryChange('profiles/profiles.yml', (before) =>
      before.replace('type: duckdb', 'type: nothing'),
    );
    expect(changed.done).toMatchObject({ status: 'fail', built: [] });
  });
});

describeInTurn('a data file', () => {
  it('is loaded if it is new, and the models that depend on it are built', async () => {
    const day =
      readdirSync(join(folder, 'sample'))
        .filter((name) => /^\d{4}-/.test(name))
        .sort()
        .at(-1) ?? '';
    const before = await rows('select count(distinct _batch_id)::int from raw.events');
    await cp(join(folder, 'sample', day), join(folder, 'drop'), { recursive: true });
    const changed = await watching.after(() => rename(join(folder, 'drop'), join(project, 'data', day)));
    expect(eventsOf(changed, 'load')).toMatchObject([{ status: 'loaded' }]);
    expect(changed.done).toMatchObject({ status: 'pass', failing: [] });
    expect(changed.done.built).toContain('fct_rsvps');
    expect(await rows('select count(distinct _batch_id)::int from raw.events')).not.toEqual(before);
  });

  it('is rejected with one sentence if it is not JSON, and the marts stay unchanged', async () => {
    const marts = await rows('select count(*)::int from marts.fct_events');
    const changed = await watching.save('data/2031-01-01/venues.json', '[{"venue_id": 1,');
    expect(changed.done.status).toBe('fail');
    expect(changed.done.error).toMatch(/venues\.json/);
    expect(await rows('select count(*)::int from marts.fct_events')).toEqual(marts);
    const fixed = await watching.after(() => rm(join(project, 'data/2031-01-01'), { recursive: true }));
    expect(fixed.done).toMatchObject({ status: 'pass', built: [] });
  });

  it('is checked again if its schema changed', async () => {
    const changed = await tryChange('data/schemas/venues.schema.json', (before) =>
      before.replace('"A venue"', '"One venue"'),
    );
    expect(eventsOf(changed, 'load')).toMatchObject([{ status: 'unchanged' }]);
    expect(changed.done).toMatchObject({ status: 'pass', built: [] });
  });
});

describeInTurn('many files saved at once', () => {
  it('are built as one batch', async () => {
    const models = join(project, 'dbt/models/marts/organisers');
    const sql = "{{ config(contract={'enforced': false}) }}\nselect 1 as n\n";
    const changed = await watching.after(async () => {
      for (let i = 0; i < 100; i += 1) await writeFile(join(models, `checkout_${i}.sql`), sql);
    });
    // On a slow disk, the first files may be superseded or built before the rest.
    while (!existsSync(join(models, 'checkout_99.sql'))) await watching.after(async () => undefined);
    expect(changed.done.status).toBe('pass');
    expect(eventsOf(changed, 'done')).toHaveLength(1);
    expect(await rows("select count(*)::int from duckdb_tables() where table_name like 'checkout_%'")).toEqual([[100]]);
    const gone = await watching.after(async () => {
      for (let i = 0; i < 100; i += 1) await rm(join(models, `checkout_${i}.sql`));
    });
    expect(gone.done.removed).toHaveLength(100);
  });
});

describeInTurn('a file that was touched', () => {
  it('starts no build if its content did not change', async () => {
    await utimes(join(project, leaf), new Date(), new Date());
    const changed = await watching.save('dbt/models/staging/_staging__note.yml', 'version: 2\n');
    expect(eventsOf(changed, 'change')).toMatchObject([{ files: ['dbt/models/staging/_staging__note.yml'] }]);
    await watching.after(() => rm(join(project, 'dbt/models/staging/_staging__note.yml')));
  });
});

describeInTurn('a second watch', () => {
  it('reports that the first is running, and exits with 2', async () => {
    const second = await meetup(['dev', '--watch', '--json', '--state-dir', state], { MEETUP_PROJECT_DIR: project });
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toMatch(/already running in process \d+ .*another --state-dir/);
  });
});

describeInTurn('after all these changes, the database', () => {
  it('is up to date: a full refresh changes no row', { timeout: 300_000 }, async () => {
    const sums =
      'select sum(hash(e)::hugeint)::varchar from marts.fct_events e union all select sum(hash(s)::hugeint)::varchar from marts.group_scorecard s';
    const before = await rows(sums);
    await watching.stop();
    const whole = await meetup(['build', '--full-refresh', '--state-dir', state], { MEETUP_PROJECT_DIR: project });
    expect(whole.exitCode).toBe(0);
    expect(await rows(sums)).toEqual(before);
  });
});
