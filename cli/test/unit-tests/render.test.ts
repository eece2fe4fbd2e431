import { expect, it } from 'vitest';
import type { FixtureResult } from '../../src/engine/protocol.ts';
import { styleFor } from '../../src/text/style.ts';
import { renderFixture } from '../../src/text/unit-test-result.ts';

const failed: FixtureResult = {
  uniqueId: 'unit_test.tiny.doubled.doubles',
  name: 'doubles',
  resourceType: 'unit_test',
  file: '../fixtures/models/doubled.yml',
  model: 'doubled',
  status: 'fail',
  ms: 3,
  message: null,
  line: 2,
  difference: {
    columns: ['id', 'amount'],
    missing: [{ cells: ['7', 'null'], line: 12 }],
    extra: [{ cells: ['8', "'x'"] }],
    differing: [{ expected: ['1', '8'], actual: ['1', '80'], at: ['amount'], line: 9 }],
    counts: { missing: 1, extra: 1, differing: 1, expected: 3, actual: 3 },
  },
};

it('the report of a failed fixture shows differing, missing and extra rows, with their lines', () => {
  expect(renderFixture(failed, styleFor({}, {}))).toBe(
    [
      '1 row differs (expected → actual), 1 row missing, 1 row unexpected; 3 expected, 3 actual:',
      '    id  amount',
      '  ≠ 1   8 → 80   line 9',
      '  - 7   null   line 12',
      "  + 8   'x'",
    ].join('\n'),
  );
});
