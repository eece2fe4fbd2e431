import { expect, it } from 'vitest';
import { branchName, branchSchema } from '../../src/branches/names.ts';

it.each(['a', 'rounding', 'ci_20261130_4f1c', 'x'.repeat(40)])("a branch can be called '%s'", (name) => {
  expect(branchName(name)).toBe(name);
});

it.each(['x; drop schema marts', 'x`', '1st', '_x', 'a__branch_b', 'A', 'ä', '', 'x'.repeat(41)])(
  "a branch can't be called '%s'",
  (name) => {
    expect(() => branchName(name)).toThrow("can't be the name of a branch: use up to 40 lower-case letters");
  },
);

it("a branch's schema is that of the project with a suffix, and no longer than the metastore allows", () => {
  expect(branchSchema('rounding', 'marts')).toBe('marts__branch_rounding');
  expect(() => branchSchema('rounding', 'm'.repeat(120))).toThrow('more than 128 characters');
});
