import { describe, expect, it } from 'vitest';
import type { NodeVerdict } from '../../src/engine/results.ts';
import { renderDev } from '../../src/terminal/dev.ts';
import { styleFor } from '../../src/text/style.ts';

const plain = styleFor({ isTTY: false, columns: 100 }, {});

const node = (name: string, changes: Partial<NodeVerdict> = {}): NodeVerdict => ({
  name,
  status: 'pass',
  ms: 10,
  kind: 'model',
  ...changes,
});

/** The last line of a `dev` that built these nodes. */
const closing = (models: readonly NodeVerdict[]): string | undefined =>
  renderDev(
    {
      status: 'pass',
      load: { batch: null, entities: {}, status: 'unchanged', batches: [], newestBatch: null, ms: 1 },
      build: { status: 'pass', models, tests: [], elsewhere: [], problems: [], published: true, ms: 1 },
      ms: 1234,
    },
    plain,
  )
    .split('\n')
    .at(-1);

describe('the suggested query at the end of dev', () => {
  it('reads the model that was built last, by the name of its table', () => {
    const built = [node('base'), node('mart_revenue', { alias: 'revenue' })];
    expect(closing(built)).toContain('query "select * from revenue limit 10"');
  });

  it('reads no hook, and no model that failed', () => {
    const built = [node('base'), node('broken', { status: 'fail' }), node('tidy-on-run-end-0', { kind: 'operation' })];
    expect(closing(built)).toContain('query "select * from base limit 10"');
  });
});
