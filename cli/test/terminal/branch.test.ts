import { expect, it } from 'vitest';
import type { MartChange } from '../../src/branches/changes/mart-change.ts';
import type { BranchReport } from '../../src/branches/report.ts';
import { renderBranch } from '../../src/terminal/branch.ts';
import { styleFor } from '../../src/text/style.ts';

const mart = (top: string): MartChange => ({
  name: 'orders',
  uniqueId: 'model.shop.orders',
  before: 'marts.orders',
  after: 'marts__branch_x.orders',
  status: 'changed',
  rows: { before: 2, after: 2 },
  key: ['id'],
  added: 0,
  removed: 0,
  changed: 1,
  columns: [],
  values: [
    {
      column: 'note',
      personal: false,
      differing: 1,
      nulls: { before: 0, after: 0 },
      top: [{ value: top, before: 1, after: 0 }],
    },
  ],
  examples: [],
});
const report = (marts: readonly MartChange[]): BranchReport => ({
  status: 'built',
  name: 'x',
  target: 'prod',
  base: '20261130-080000-4f1c',
  commit: null,
  expiresAt: '2026-12-07T08:00:00Z',
  schemas: [],
  models: [],
  pinned: [],
  removed: [],
  nodes: [],
  problems: [],
  bytes: 0,
  changes: { marts, exceeded: [] },
  expired: [],
  ms: 1,
});

it('values from data do not reach the terminal as control characters', () => {
  const text = renderBranch(report([mart('\u001b[2Jgone\u202e')]), styleFor({}, {}));
  expect(text).toContain("  note: 1 value differs; 'gone ' 1 → 0");
  expect(text).not.toContain('\u001b[2J');
});

it('a long value is cut', () => {
  expect(renderBranch(report([mart('🎈'.repeat(40))]), styleFor({}, {}))).toContain(`'${'🎈'.repeat(19)}…' 1 → 0`);
});
