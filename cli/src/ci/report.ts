import type { Problem } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';
import type { TestVerdict } from '../unit-tests/vitest/verdicts.ts';
import type { Base } from './base.ts';
import type { Violation } from './lint.ts';
import type { ChangedNode } from './slim-plan.ts';

interface Part {
  /** `skip`: there is nothing of the kind. */
  readonly status: 'pass' | 'fail' | 'skip';
  /** Milliseconds. */
  readonly ms: number;
  /** What kept it from working, or why it was skipped. */
  readonly message?: string;
}

export interface TestsPart extends Part {
  readonly name: 'fixtures' | 'scenarios';
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly TestVerdict[];
}

export interface LintPart extends Part {
  readonly name: 'lint';
  readonly files: number;
  readonly violations: readonly Violation[];
}

export interface BuildPart extends Part {
  readonly name: 'build';
  readonly base: Base;
  /** Why everything counts as changed, where it does. */
  readonly everything?: string;
  /** What differs from the base, or is downstream of that. */
  readonly changed: readonly ChangedNode[];
  /** Names of what the base has and the project has no longer. */
  readonly removed: readonly string[];
  /** What was built and tested, `changed` or not. */
  readonly models: readonly NodeVerdict[];
  readonly tests: readonly NodeVerdict[];
  /** Names of models that are not changed and were built all the same: changed ones stand on them, or they were out of date. */
  readonly alsoBuilt: readonly string[];
  /** Names of models that nothing was done with. */
  readonly leftAlone: readonly string[];
  readonly problems: readonly Problem[];
  readonly stillFailing: readonly string[];
}

export type CiPart = TestsPart | LintPart | BuildPart;

export interface CiReport {
  readonly status: 'pass' | 'fail';
  readonly parts: readonly CiPart[];
  /** Where the Markdown summary is; relative to the project where it lies in it. */
  readonly summary: string;
  /** Milliseconds. */
  readonly ms: number;
}
