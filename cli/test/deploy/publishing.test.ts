import { describe, expect, it } from 'vitest';
import { type Deployed, type Entry, interrupted, NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { findDrift } from '../../src/deploy/plan/deployed-project.ts';
import type { ModelAction, ProjectNode } from '../../src/deploy/plan/models.ts';
import {
  type PublishInputs,
  planPublishing,
  publicationsOf,
  type Shown,
} from '../../src/deploy/publish/publications.ts';
import { createViewStatement, queryOf, shownBy } from '../../src/deploy/publish/view-sql.ts';
import { pinViews, publishViews, statementsOf, viewsToPin } from '../../src/deploy/publish/views.ts';
import type { RelationState } from '../../src/deploy/relations.ts';
import { goBackTo, undoBegun, wayBack } from '../../src/deploy/undo.ts';
import { planNode } from '../support/plan-nodes.ts';
import { entryOf, fakeTarget } from './fake-target.ts';

const node = (name: string, more: Partial<ProjectNode> = {}): ProjectNode =>
  planNode(name, 'table', [], { schema: 'build', publishedIn: 'marts', ...more });

describe('what is published', () => {
  it('is a view for each model with published_in, of the same name', () => {
    expect(publicationsOf([node('b', { description: 'Bees.' }), node('a'), node('c', { publishedIn: null })])).toEqual({
      'marts.a': { of: 'build.a', comment: '' },
      'marts.b': { of: 'build.b', comment: 'Bees.' },
    });
  });

  it('is refused for a view, which has no earlier version, and for a name that is taken', () => {
    expect(() => publicationsOf([node('a', { materialized: 'view' })])).toThrow(
      'a is published as marts.a (published_in), but as a view it has no earlier version that readers could see until all tests have passed: materialize it as a table, or remove published_in.',
    );
    expect(() => publicationsOf([node('a'), node('b', { schema: 'marts', relation: 'a', publishedIn: null })])).toThrow(
      'another node has that name',
    );
    expect(() => publicationsOf([node('a'), node('b', { schema: 'other', relation: 'a' })])).toThrow(
      'another node has that name',
    );
  });
});

const published = { of: 'build.a', comment: '' };
const planned = (action: ModelAction, more: Partial<PublishInputs> = {}) =>
  planPublishing({
    publications: { 'marts.a': published },
    deployed: { 'marts.a': published },
    present: new Map([['marts.a', 'view']]),
    shown: new Map([['marts.a', 'all']]),
    models: { models: [{ uniqueId: '', name: 'a', relation: 'build.a', action, reason: '', version: 1 }] },
    ...more,
  }).map(({ view, what }) => `${what} ${view}`);

describe('the plan for views', () => {
  it('switches those whose tables are built, and leaves the others alone', () => {
    expect(planned('keep')).toEqual([]);
    expect(planned('increment')).toEqual(['switch marts.a']);
  });

  it('also switches one that shows something else, and one that is pinned only once its table is built and tested again', () => {
    expect(planned('keep', { shown: new Map([['marts.a', 3]]) })).toEqual([]);
    expect(planned('refresh', { shown: new Map([['marts.a', 3]]) })).toEqual(['switch marts.a']);
    expect(planned('keep', { shown: new Map([['marts.a', undefined]]) })).toEqual(['switch marts.a']);
    expect(planned('keep', { deployed: { 'marts.a': { of: 'old.a', comment: '' } } })).toEqual(['switch marts.a']);
  });

  it('creates missing ones, replaces tables of the same name, and drops those that left the project', () => {
    expect(planned('keep', { present: new Map() })).toEqual(['create marts.a']);
    expect(planned('create', { present: new Map([['marts.a', 'table']]) })).toEqual(['replace marts.a']);
    expect(planned('retire', { publications: {} })).toEqual(['drop marts.a']);
  });
});

describe('the statement of a view', () => {
  const remote = { catalog: 'main' };

  it('tells what the view shows, whatever the catalog writes around it', () => {
    const create = (query: string): string => `CREATE VIEW main.marts.a (\n  x COMMENT 'as select')\nAS ${query}\n`;
    expect(shownBy(remote, create(queryOf(remote, 'build.a')), 'build.a')).toBe('all');
    expect(shownBy(remote, create(queryOf(remote, 'build.a', 12)), 'build.a')).toBe(12);
    expect(shownBy(remote, create(`${queryOf(remote, 'build.a')} where x > 1`), 'build.a')).toBeUndefined();
    expect(shownBy(remote, create(`select 1 from (${queryOf(remote, 'build.a')}`), 'build.a')).toBeUndefined();
    expect(shownBy(remote, create(queryOf(remote, 'build.b')), 'build.a')).toBeUndefined();
  });

  it('has the comment of its table, quoted', () => {
    expect(createViewStatement(remote, 'marts.a', { of: 'build.a', comment: "It's one.\n" })).toBe(
      "create view if not exists `main`.`marts`.`a` comment 'It\\'s one.' as select * from `main`.`build`.`a`",
    );
  });

  it('changes a view that is there instead of replacing it, so that its privileges and comment stay', () => {
    const step = { view: 'marts.a', what: 'switch', of: 'build.a', comment: 'Another one.' } as const;
    expect(statementsOf(remote, step, new Map([['marts.a', 'view']]))).toEqual([
      'alter view `main`.`marts`.`a` as select * from `main`.`build`.`a`',
    ]);
  });
});

const table = (version: number): RelationState => ({ kind: 'table', version, committedAt: `time ${version}` });
const identity = { deployment: 'two', commit: null, planHash: '', versions: {} };
const ALL = 'select * from build.a';
const VIEWS = { 'marts.a': published, 'marts.b': { of: 'build.b', comment: '' } };
const before = { 'build.a': table(1), 'build.b': table(0) };
const ONE: Deployed = { ...NOTHING_DEPLOYED, relations: before, published: VIEWS };

/** A target with two tables that were built again and, unless told otherwise, with both views. */
function target(refuse?: (sql: string) => string | undefined) {
  const fake = fakeTarget({ 'build.a': ['WRITE', 'MERGE', 'MERGE'], 'build.b': ['WRITE', 'MERGE'] }, refuse);
  fake.views.set('marts.a', ALL).set('marts.b', 'select * from build.b');
  return fake;
}

describe('a deployment', () => {
  it('pins views to the versions that their tables have before it', async () => {
    const { remote, views } = target();
    const steps = [
      { view: 'marts.a', what: 'switch', of: 'build.a', comment: '' },
      { view: 'marts.new', what: 'create', of: 'build.new', comment: '' },
      // Pinned by a process that died, because its table could not be put back.
      { view: 'marts.b', what: 'switch', of: 'build.b', comment: '' },
    ] as const;
    const shown = new Map<string, Shown>([
      ['marts.a', 'all'],
      ['marts.b', 0],
    ]);
    const pinned = viewsToPin(steps, VIEWS, shown, before);
    expect(pinned).toEqual({ 'marts.a': 'build.a' });
    await pinViews(remote, pinned, before);
    expect(Object.fromEntries(views)).toEqual({
      'marts.a': 'select * from build.a version as of 1',
      'marts.b': 'select * from build.b',
    });
  });

  it('pins a view to the table that it shows, not to the one that it will show', () => {
    const steps = [{ view: 'marts.a', what: 'switch', of: 'build.b', comment: '' }] as const;
    const shown = new Map<string, Shown>([['marts.a', 'all']]);
    expect(viewsToPin(steps, VIEWS, shown, before)).toEqual({ 'marts.a': 'build.a' });
    expect(viewsToPin(steps, VIEWS, shown, { 'build.b': table(0) })).toEqual({});
  });

  it('unpins views only after their tables are back, and not those of tables that are not', async () => {
    const fake = target((sql) => (sql.startsWith('restore table `main`.`build`.`b`') ? 'files are gone' : undefined));
    fake.views.set('marts.a', `${ALL} version as of 1`).set('marts.b', 'select * from build.b version as of 0');
    const begun = entryOf('begun', 'two', { before, pinned: { 'marts.a': 'build.a', 'marts.b': 'build.b' } });
    await undoBegun(fake.remote, identity, [entryOf('finished', 'one', { deployed: ONE }), begun], 'a test failed');
    expect(Object.fromEntries(fake.views)).toEqual({
      'marts.a': ALL,
      'marts.b': 'select * from build.b version as of 0',
    });
    const restored = fake.changes.lastIndexOf('restore table build.a to version as of 1');
    expect(fake.changes.indexOf(`alter view marts.a as ${ALL}`)).toBeGreaterThan(restored);
  });

  it('publishes in steps that can be repeated', async () => {
    const fake = target();
    fake.tables.set('marts.c', ['WRITE']);
    fake.views.set('marts.a', `${ALL} version as of 1`);
    const steps = [
      { view: 'marts.a', what: 'switch', of: 'build.a', comment: '' },
      { view: 'marts.b', what: 'drop', of: 'build.b', comment: '' },
      { view: 'marts.c', what: 'replace', of: 'build.c', comment: '' },
      { view: 'other.d', what: 'create', of: 'build.d', comment: '' },
    ] as const;
    for (const _time of ['once', 'again']) {
      await publishViews(fake.remote, steps);
      expect(Object.fromEntries(fake.views)).toEqual({
        'marts.a': ALL,
        'marts.c': 'select * from build.c',
        'other.d': 'select * from build.d',
      });
      expect([...fake.tables.keys()]).toEqual(['build.a', 'build.b', 'marts.meetup_aside__c']);
    }
  });
});

describe('a rollback', () => {
  const entries: Entry[] = [
    entryOf('finished', 'one', { deployed: ONE }),
    entryOf('finished', 'two', { deployed: { ...ONE, relations: { 'build.a': table(2), 'build.b': table(1) } } }, 2),
  ];
  const rolledBack = async (fake: ReturnType<typeof target>, goal: Deployed, from = entries) =>
    goBackTo(fake.remote, identity, await wayBack(fake.remote, from, goal), goal, 'one');

  it('shows the earlier versions before it restores the tables, and then the tables', async () => {
    const fake = target();
    await rolledBack(fake, ONE);
    const places = [
      fake.changes.indexOf(`alter view marts.a as ${ALL} version as of 1`),
      fake.changes.indexOf('alter view marts.b as select * from build.b version as of 0'),
      fake.changes.findIndex((sql) => sql.startsWith('restore')),
      fake.changes.findLastIndex((sql) => sql.startsWith('restore')),
      fake.changes.indexOf(`alter view marts.a as ${ALL}`),
    ];
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThanOrEqual(0);
    expect(Object.fromEntries(fake.views)).toEqual({ 'marts.a': ALL, 'marts.b': 'select * from build.b' });
  });

  it('brings back views that had left, drops those that came since, and makes pinned ones right', async () => {
    const fake = target();
    fake.views.delete('marts.b');
    fake.views.set('marts.new', 'select * from build.new').set('marts.a', `${ALL} version as of 0`);
    const now = { ...ONE, relations: before, published: { 'marts.new': { of: 'build.new', comment: '' } } };
    const back = entryOf('rolled back', 'r', { to: 'x', deployed: now }, 3);
    await rolledBack(fake, ONE, [...entries, back]);
    expect(Object.fromEntries(fake.views)).toEqual({ 'marts.a': ALL, 'marts.b': 'select * from build.b' });
  });

  it('leaves readers of a table that it could not restore what they saw, and goes on', async () => {
    const fake = target((sql) =>
      /^(restore table|alter view).*`b`.* of 0$/.test(sql) ? 'version 0 is gone' : undefined,
    );
    expect(await rolledBack(fake, ONE)).toMatchObject({ restored: ['build.a'], failed: [{ relation: 'build.b' }] });
    expect(Object.fromEntries(fake.views)).toEqual({ 'marts.a': ALL, 'marts.b': 'select * from build.b' });
    const late = target((sql) => (sql.startsWith('restore table `main`.`build`.`b`') ? 'files are gone' : undefined));
    await rolledBack(late, ONE);
    expect(Object.fromEntries(late.views)).toEqual({ 'marts.a': ALL, 'marts.b': 'select * from build.b' });
  });

  it('shows readers no rows of a run that had not passed at that time', async () => {
    const fake = target();
    await rolledBack(fake, { ...ONE, unpassed: { 'build.a': 0, 'build.b': null } });
    expect(fake.changes).toContain('restore table build.a to version as of 1');
    expect(fake.views.get('marts.a')).toBe(`${ALL} version as of 0`);
    expect(fake.changes.filter((sql) => sql.includes('view marts.b'))).toEqual([]);
  });

  it('gives readers their tables back if the goal had no views', async () => {
    const fake = target();
    fake.tables.set('marts.meetup_aside__a', ['WRITE']);
    const goal = { ...NOTHING_DEPLOYED, relations: { 'marts.a': table(0) } };
    expect(await rolledBack(fake, goal)).toMatchObject({ failed: [] });
    expect([...fake.views.keys()]).toEqual([]);
    expect([...fake.tables.keys()].sort()).toEqual(['build.meetup_aside__a', 'build.meetup_aside__b', 'marts.a']);
  });
});

describe('a model that is no longer published elsewhere', () => {
  it('may take the place of its view, which is no drift', async () => {
    const fake = target();
    const present = new Map([['marts.a', 'view']] as const);
    const ledger = { entries: [], isOurs: () => false };
    const drift = (deployed: Deployed) => findDrift(fake.remote, ['marts.a'], { ...ledger, deployed }, present);
    expect([...(await drift(ONE))]).toEqual([]);
    expect([...(await drift(NOTHING_DEPLOYED))]).toEqual([['marts.a', 'a view exists that was not deployed']]);
  });

  it('replaces its view itself', () => {
    const model = {
      uniqueId: '',
      name: 'a',
      relation: 'marts.a',
      action: 'replace',
      reason: '',
      version: null,
    } as const;
    expect(planned('replace', { publications: {}, models: { models: [model] } })).toEqual([]);
  });
});

describe('a deployment that passed all tests', () => {
  it('is finished by the next one, unless it was undone before that was recorded', () => {
    const audited = entryOf('audited', 'two', { publishes: [] }, 2);
    expect(interrupted([entryOf('begun', 'two', {}), audited])).toBe(audited);
    const undone = entryOf('undone', 'two', {}, 2);
    expect(interrupted([entryOf('begun', 'two', {}), undone, audited])).toBeUndefined();
  });
});
