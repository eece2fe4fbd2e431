import { describe, expect, it } from 'vitest';
import type { Exceeded } from '../../src/branches/changes/limits.ts';
import type { MartChange } from '../../src/branches/changes/mart-change.ts';
import { renderCiMarkdown } from '../../src/ci/markdown.ts';
import type { BranchPart, BuildPart, ChecksPart, CiReport, TestsPart } from '../../src/ci/report.ts';

const fixtures: TestsPart = { name: 'fixtures', status: 'pass', ms: 1500, passed: 3, failed: 0, failures: [] };
const build: BuildPart = {
  name: 'build',
  status: 'pass',
  ms: 2500,
  base: { kind: 'commit', ref: 'origin/main', commit: 'abcdef0123456789' },
  changed: [
    { uniqueId: 'model.m.a', name: 'a', kind: 'model', why: 'body' },
    { uniqueId: 'model.m.b', name: 'b', kind: 'model', why: 'downstream of a' },
  ],
  removed: ['old'],
  models: ['up', 'a', 'b'].map((name) => ({ name, status: 'pass', ms: 1, kind: 'model' })),
  tests: [{ name: 'not_null_a', status: 'pass', ms: 1, kind: 'test' }],
  alsoBuilt: ['up'],
  leftAlone: ['other'],
  problems: [],
  stillFailing: [],
};
const mart: MartChange = {
  name: 'a',
  uniqueId: 'model.m.a',
  before: 'marts.a',
  after: 'marts__branch_ci_x.a',
  status: 'changed',
  rows: { before: 10, after: 10 },
  key: ['id'],
  added: 0,
  removed: 0,
  changed: 2,
  columns: [],
  values: [],
  examples: [],
};
const branchPart = (marts: readonly MartChange[], exceeded: readonly Exceeded[] = []): BranchPart => ({
  name: 'branch',
  status: exceeded.length === 0 ? 'pass' : 'fail',
  ms: 100,
  branch: {
    status: exceeded.length === 0 ? 'built' : 'exceeded',
    name: 'ci_x',
    target: 'prod',
    base: 'first',
    commit: null,
    expiresAt: '2026-12-01T00:00:00Z',
    schemas: ['marts__branch_ci_x'],
    models: [
      {
        uniqueId: 'model.m.a',
        name: 'a',
        place: 'marts__branch_ci_x.a',
        begins: 'scratch',
        reason: 'changed',
        status: 'pass',
      },
    ],
    pinned: [],
    removed: ['marts.old'],
    nodes: [],
    problems: [],
    bytes: 1,
    changes: { marts, exceeded },
    expired: [],
    ms: 1,
  },
});
const report = (parts: CiReport['parts']): string =>
  renderCiMarkdown({ status: 'pass', parts, summary: 'ci-summary.md', ms: 1 });

describe('the Markdown summary of ci', () => {
  it('starts with the marker that identifies its pull request comment', () => {
    expect(report([fixtures]).split('\n')[0]).toBe('<!-- meetup ci -->');
  });

  it('has a row for each part, and lists what changed, why, and what was not built', () => {
    const text = report([fixtures, build]);
    expect(text).toContain('| fixtures | ✅ passed | 3 passed, 0 failed | 1.5 s |');
    expect(text).toContain('| build | ✅ passed | 2 changed, 3 models built, 1 test passed | 2.5 s |');
    expect(text).toContain('Compared with origin/main (abcdef0123):');
    expect(text).toContain('| `b` | downstream of a | ✅ passed |');
    expect(text).toMatch(/Removed from the project: `old`\..*Also built.*`up`\..*Not built.*`other`\./s);
  });

  it('shows what the numbers do, and fails with the limits that are exceeded', () => {
    const exceeded = [{ mart: 'a', limit: 'max_changed', allowed: '5%', rows: 2, of: 10 }] as const;
    const text = report([branchPart([mart], exceeded)]);
    expect(text).toContain(
      '| branch | ❌ failed | 1 relation on prod, 1 of 1 public model with other rows, 1 limit exceeded',
    );
    expect(text).toContain('### What the numbers do on prod\n\n❌ a: 2 of 10 rows (20%), but max_changed is 5%.');
    expect(text).toContain('| `a` | 10 | 10 | 2 rows changed |');
  });

  it('leaves out rows that differ before anything else, if there are too many', () => {
    const cells = [{ column: 'note', before: 'x'.repeat(500), after: null }];
    const examples = Array.from({ length: 200 }, (_, id) => ({
      kind: 'changed' as const,
      key: { id: String(id) },
      cells,
    }));
    const marts = ['a', 'b', 'c'].map((name) => ({ ...mart, name, examples }));
    const text = report([branchPart(marts), build]);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('| `c` | 10 | 10 | 2 rows changed |');
    expect(text).toContain('### Changed models');
    expect(text).toMatch(
      /### Rows that differ\n\n<details><summary>a: 2 rows changed.*… the rest is in the log of the run\.\n$/s,
    );
  });

  it('shows errors of the checks as failures, and warnings apart from them, one line each', () => {
    const finding = { name: 'a', file: 'dbt/models/a.yml', line: 3, message: 'has no owner: add one.' };
    const findings = [
      { ...finding, rule: 'owner', severity: 'error' },
      { ...finding, rule: 'columns', severity: 'warn', column: 'b', message: 'has no description: write one.' },
    ] as const;
    const checks: ChecksPart = { name: 'checks', status: 'fail', ms: 100, models: 7, findings };
    const text = report([checks]);
    expect(text).toContain('| checks | ❌ failed | 7 models, 1 error, 1 warning | 100 ms |');
    expect(text).toMatch(/### Failures in checks.*\ndbt\/models\/a\.yml:3 {2}owner {2}a has no owner: add one\.\n/s);
    expect(text).toMatch(/### Warnings in checks.*\ndbt\/models\/a\.yml:3 {2}columns {2}a\.b has no description/s);
  });

  it('folds a failure, without its stack trace, into a code fence that its text cannot close', () => {
    const message = 'FixtureError: fixtures/models/a.yml:7\n1 row missing ```\n    at a (/x/a.yml:7:5)';
    const failures = [{ name: 'models.fixtures.ts > a <b>', status: 'fail', ms: 1, message }] as const;
    const text = report([{ ...fixtures, status: 'fail', failed: 1, failures }]);
    expect(text).toContain('## ❌ Models: 1 of 1 check failed');
    expect(text).toContain(
      '<summary>a &lt;b&gt;</summary>\n\n````text\nfixtures/models/a.yml:7\n1 row missing ```\n````',
    );
  });

  it('stays within the maximum length of a GitHub comment', () => {
    const failures = Array.from({ length: 200 }, (_, i) => ({
      name: `t${i}`,
      status: 'fail' as const,
      ms: 1,
      message: 'x'.repeat(9000),
    }));
    const text = report([{ ...fixtures, status: 'fail', failed: 200, failures }]);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('… the rest is in the log of the run.');
  });
});
