import { describe, expect, it } from 'vitest';
import type { BuildReport } from '../../src/commands/build.ts';
import type { NodeVerdict } from '../../src/engine/results.ts';
import { renderBuild } from '../../src/terminal/build.ts';
import { styleFor } from '../../src/text/style.ts';

const plain = styleFor({ isTTY: false, columns: 100 }, {});

const report = (changes: Partial<BuildReport>): string =>
  renderBuild(
    { status: 'pass', models: [], tests: [], elsewhere: [], problems: [], published: true, ms: 1234, ...changes },
    plain,
  );

const node = (name: string, changes: Partial<NodeVerdict> = {}): NodeVerdict => ({
  name,
  status: 'pass',
  ms: 10,
  kind: 'model',
  ...changes,
});

describe('the summary of a build', () => {
  it('is one line if everything passed', () => {
    const text = report({ models: [node('a'), node('b')], tests: [node('t', { kind: 'test' })] });
    expect(text).toBe('2 models built; 1 test passed in 1.2 s');
  });

  it('says how many rows were written', () => {
    const models = [
      node('a', { rowsWritten: 1200, rowsChanged: 1200 }),
      node('a_view'),
      node('b', { rowsWritten: 34 }),
    ];
    expect(report({ models })).toBe('3 models built; 1,234 rows written in 1.2 s');
  });

  it("shows a failed model with its file and line, DuckDB's message and the code around it", () => {
    const problem = {
      kind: 'database' as const,
      file: 'models/marts/a.sql',
      line: 12,
      message: 'Binder Error: column "x" not found',
      excerpt: '>   40 | select x',
    };
    const models = [node('a', { status: 'fail', problem }), node('b', { status: 'skip' })];
    expect(report({ status: 'fail', published: false, models })).toBe(
      `✗ model a  models/marts/a.sql:12
  Binder Error: column "x" not found
  >   40 | select x

0 models built, 1 failed, 1 skipped in 1.2 s
Readers keep the previous state: a failed build is not published.`,
    );
  });

  it('shows how many rows fail a test, and a few of them', () => {
    const sample = { columns: ['id', 'name'], rows: [[7, null]] };
    const tests = [node('not_null_a_name', { status: 'fail', kind: 'test', failures: 3, sample })];
    expect(report({ status: 'fail', tests })).toContain(
      `✗ test not_null_a_name: 3 rows that should not exist
  id  name
  ──  ────
   7  NULL
  … and 2 rows more`,
    );
  });

  it('shows the missing and the unexpected rows of a unit test', () => {
    const diff = { expected: [{ id: 1, n: 8 }, { id: 2 }], actual: [{ id: 1, n: 12 }, { id: 2 }] };
    const tests = [node('doubles', { status: 'fail', kind: 'unit_test', failures: 1, diff })];
    expect(report({ status: 'fail', tests })).toContain(
      `✗ unit test doubles
  - {"id":1,"n":8}
  + {"id":1,"n":12}`,
    );
  });

  it('says that nothing was built if the project cannot be read', () => {
    const problems = [{ kind: 'yaml' as const, file: 'models/a.yml', line: 3, message: 'bad', excerpt: null }];
    expect(report({ status: 'fail', problems, published: false })).toBe(
      `✗ The dbt project can't be read  models/a.yml:3
  bad

Nothing was built, in 1.2 s.`,
    );
  });
});
