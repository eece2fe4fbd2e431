import { describe, expect, it } from 'vitest';
import type { DiffReport } from '../../src/commands/diff.ts';
import type { MartComparison } from '../../src/compare/compare.ts';
import { renderDiffMarkdown } from '../../src/compare/markdown.ts';
import { whatDiffers } from '../../src/deploy/parity.ts';
import { renderDiff } from '../../src/terminal/diff.ts';
import { styleFor } from '../../src/text/style.ts';

const mart = (name: string, different: Partial<MartComparison> = {}): MartComparison => ({
  schema: 'marts',
  name,
  uniqueId: `model.meetup.${name}`,
  status: Object.keys(different).length === 0 ? 'equal' : 'different',
  rows: { from: 1200, to: 1200 },
  fingerprint: { from: 'a1', to: 'a1' },
  columns: [],
  counts: { missing: 0, extra: 0, changed: 0 },
  changedColumns: [],
  differences: [],
  more: false,
  ms: 40,
  ...different,
});

const CHANGED = mart('fct_rsvps', {
  counts: { missing: 1, extra: 0, changed: 2 },
  changedColumns: ['response'],
  differences: [
    { kind: 'changed', key: { rsvp_key: 'k|1' }, cells: [{ column: 'response', from: 'yes', to: null }] },
    { kind: 'missing', key: { rsvp_key: 'k2' }, cells: [] },
  ],
});
const RETYPED = mart('dim_venues', { columns: [{ column: 'city', from: 'string', to: null }] });
const ABSENT = mart('dim_dates', { missingIn: 'prod', rows: { from: 0, to: 0 } });

const reportOf = (...marts: MartComparison[]): DiffReport => ({
  status: marts.every(({ status }) => status === 'equal') ? 'equal' : 'different',
  from: 'dev',
  to: 'prod',
  marts,
  ms: 1500,
});

describe('the text report of a diff', () => {
  const text = (...marts: MartComparison[]): string => renderDiff(reportOf(...marts), styleFor({}, {}));

  it('is one line per mart if all are equal', () => {
    expect(text(mart('dim_groups'), mart('fct_events')).split('\n').slice(2)).toEqual([
      'dim_groups  1200  1200  equal',
      'fct_events  1200  1200  equal',
      '',
      '2 marts equal in 1.5 s',
    ]);
  });

  it('lists rows, columns and cells that differ', () => {
    const lines = text(mart('dim_groups'), CHANGED, RETYPED, ABSENT);
    expect(lines).toContain('2 rows changed, 1 missing (in response); 2 are shown');
    expect(lines).toMatch(/^k\|1 +response +yes +null$/m);
    expect(lines).toMatch(/^k2 +there +missing$/m);
    expect(lines).toContain('column city: string in dev, missing in prod');
    expect(lines).toMatch(/^dim_dates .* not in prod$/m);
    expect(lines).toContain('3 of 4 marts differ');
  });

  it('says if the count is incomplete', () => {
    expect(text({ ...CHANGED, more: true })).toContain('at least 2 rows changed, 1 missing');
  });
});

describe('the Markdown report of a diff', () => {
  it('says that all are equal', () => {
    expect(renderDiffMarkdown(reportOf(mart('dim_groups')))).toBe(
      [
        '# dev and prod',
        'The mart is equal.',
        '| mart | rows in dev | rows in prod | verdict |\n| --- | --- | --- | --- |\n| dim_groups | 1200 | 1200 | equal |\n',
      ].join('\n\n'),
    );
  });

  it('has a section for each mart that differs, and escapes the content of table cells', () => {
    const document = renderDiffMarkdown(reportOf(CHANGED, RETYPED, ABSENT));
    expect(document).toContain('## fct_rsvps\n\n2 rows changed, 1 missing (in response); 2 are shown.');
    expect(document).toContain('| rsvp_key = k\\|1 | response | yes | null |');
    expect(document).toContain('| city | string | missing |');
    expect(document).toContain('## dim_dates\n\nIt is not in prod.');
  });

  it('shows no value from data as HTML', () => {
    const cells = [{ column: 'response', from: '<img src=x>', to: '@all' }];
    const changed = { ...CHANGED, differences: [{ kind: 'changed' as const, key: { rsvp_key: 'k' }, cells }] };
    expect(renderDiffMarkdown(reportOf(changed))).toContain('| response | &lt;img src=x&gt; | &#64;all |');
  });
});

describe('the reason for undoing a deployment', () => {
  it('contains the first difference between the marts', () => {
    expect(whatDiffers(CHANGED)).toBe('2 rows changed, 1 missing, such as row k|1: response is yes here, null there');
    expect(whatDiffers(RETYPED)).toBe('column city is string here, missing there');
    expect(whatDiffers(ABSENT)).toBe('it is not in prod');
    expect(whatDiffers({ ...CHANGED, rows: { from: 5, to: 6 } })).toBe('5 rows here, 6 there');
  });
});
