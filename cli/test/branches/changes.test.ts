import { describe, expect, it } from 'vitest';
import { exceededBy, requireKnown } from '../../src/branches/changes/limits.ts';
import { renderChangesMarkdown } from '../../src/branches/changes/markdown.ts';
import type { MartChange } from '../../src/branches/changes/mart-change.ts';
import { exceededSentence } from '../../src/branches/changes/words.ts';
import { projectRoot } from '../../src/config/paths.ts';

const change = (more: Partial<MartChange> = {}): MartChange => ({
  name: 'orders',
  uniqueId: 'model.shop.orders',
  before: 'marts.orders',
  after: 'marts__branch_x.orders',
  status: 'changed',
  rows: { before: 200, after: 201 },
  key: ['id'],
  added: 2,
  removed: 1,
  changed: 11,
  columns: [],
  values: [],
  examples: [],
  ...more,
});

describe('limits', () => {
  it('are shares of the rows that readers see, or numbers of rows', () => {
    expect(exceededBy([change()], { max_changed: '5.5%', max_added: 2, max_removed: 1 })).toEqual([]);
    const exceeded = exceededBy([change()], { max_changed: '5%', max_added: 1, max_removed: 0 });
    expect(exceeded.map(exceededSentence)).toEqual([
      'orders: 11 of 200 rows (5.5%), but max_changed is 5%',
      'orders: 2 of 200 rows (1%), but max_added is 1',
      'orders: 1 of 200 rows (0.5%), but max_removed is 0',
    ]);
  });

  it.each([
    ['29%', 29, 100],
    ['0.57%', 57, 10_000],
    ['0%', 0, 100],
  ] as const)('of %s allow %i of %i rows', (max_changed, changed, before) => {
    const allowed = change({ changed, rows: { before, after: before } });
    expect(exceededBy([allowed], { max_changed })).toEqual([]);
    expect(exceededBy([{ ...allowed, changed: changed + 1 }], { max_changed })).toHaveLength(1);
  });

  it('of a model take precedence', () => {
    expect(exceededBy([change()], { max_changed: 0, models: { orders: { max_changed: '10%' } } })).toEqual([]);
  });

  it("don't concern a model that is new, and count removed rows if there is no key", () => {
    expect(exceededBy([change({ status: 'new' })], { max_added: 0 })).toEqual([]);
    expect(exceededBy([change({ key: [], changed: null })], { max_changed: 0 })).toMatchObject([{ rows: 1 }]);
  });

  it("can't be given to a model that doesn't exist", () => {
    expect(() => requireKnown(projectRoot, [{ name: 'orders' }], { models: { ordres: {} } })).toThrow(
      /meetup\.yml:\d+: branch\.models names ordres, but no public model is called that\./,
    );
  });
});

describe('the Markdown of a change', () => {
  const values = [
    {
      column: 'status',
      personal: false,
      differing: 11,
      nulls: { before: 0, after: 3 },
      top: [
        { value: 'paid', before: 9, after: 4 },
        { value: 'open', before: 1, after: 1 },
      ],
    },
    { column: 'email', personal: true, differing: 1, nulls: { before: 0, after: 0 } },
  ];
  const examples = [
    { kind: 'changed' as const, key: { id: '7' }, cells: [{ column: 'status', before: 'a|b', after: '<b>@all</b>' }] },
    { kind: 'added' as const, key: { id: '8' }, cells: [] },
  ];
  const text = renderChangesMarkdown({
    marts: [
      change({ values, examples, columns: [{ column: 'note', from: null, to: 'string' }] }),
      change({ name: 'same', status: 'same', added: 0, removed: 0, changed: 0 }),
    ],
    exceeded: exceededBy([change()], { max_changed: 0 }),
    removed: ['marts.old'],
  });

  it('begins with what exceeds a limit, and has a line per model', () => {
    expect(text.split('\n')[0]).toBe('❌ orders: 11 of 200 rows (5.5%), but max_changed is 0.');
    expect(text).toContain('No longer in the project: `marts.old`.');
    expect(text).toContain('| `orders` | 200 | 201 | 11 rows changed, 2 added, 1 removed, 1 column |');
    expect(text).toContain('| `same` | 200 | 201 | nothing |');
  });

  it('shows types, values and examples, and nothing of personal columns', () => {
    expect(text).toContain('| note | missing | string |');
    expect(text).toContain("| status | 11 | nulls 0 → 3; 'paid' 9 → 4 |");
    expect(text).toContain('| email | 1 | personal: no values are shown |');
    expect(text).toContain('| id = 8 |  | missing | there |');
  });

  it('escapes what comes from data', () => {
    expect(text).toContain('| id = 7 | status | a\\|b | &lt;b&gt;&#64;all&lt;/b&gt; |');
  });
});
