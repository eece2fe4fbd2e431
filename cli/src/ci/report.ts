import type { BranchReport } from '../branches/report.ts';
import type { Problem, SourceFreshness } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';
import type { AlteredModel } from '../lineage/alterations.ts';
import type { ContractBreak } from '../lineage/contract-breaks.ts';
import type { TestVerdict } from '../unit-tests/vitest/verdicts.ts';
import type { Base } from './base.ts';
import type { Finding } from './checks/check.ts';
import type { Violation } from './lint.ts';
import type { ChangedNode } from './slim-plan.ts';

interface Part {
  /** `skip`: there was nothing to check. */
  readonly status: 'pass' | 'fail' | 'skip';
  /** Milliseconds. */
  readonly ms: number;
  /** Why it could not run, or was skipped. */
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

export interface ChecksPart extends Part {
  readonly name: 'checks';
  /** The number of models that were checked. */
  readonly models: number;
  readonly findings: readonly Finding[];
}

export interface ContractsPart extends Part {
  readonly name: 'contracts';
  readonly base: Base;
  /** What of the public models their readers can no longer rely on. */
  readonly breaks: readonly ContractBreak[];
  /** Public models whose values or rows the change can alter. */
  readonly altered: readonly AlteredModel[];
  /** Why the breaks are accepted, if they are. */
  readonly accepted?: string;
}

export interface BuildPart extends Part {
  readonly name: 'build';
  readonly base: Base;
  /** Why everything counts as changed, if it does. */
  readonly everything?: string;
  /** Nodes that differ from the base, or are downstream of one that does. */
  readonly changed: readonly ChangedNode[];
  /** Names of nodes that the base has and the project no longer has. */
  readonly removed: readonly string[];
  /** Nodes that were built and tested, `changed` or not. */
  readonly models: readonly NodeVerdict[];
  readonly tests: readonly NodeVerdict[];
  /** Names of unchanged models that were built, because changed ones read them or they were stale. */
  readonly alsoBuilt: readonly string[];
  /** Names of models that were not built. */
  readonly leftAlone: readonly string[];
  readonly problems: readonly Problem[];
  readonly stillFailing: readonly string[];
}

export interface FreshnessPart extends Part {
  readonly name: 'freshness';
  /** Sources that declare a freshness and are in the local database. */
  readonly sources: readonly SourceFreshness[];
}

/** The change as a branch on a target. */
export interface BranchPart extends Part {
  readonly name: 'branch';
  /** Missing if it could not be built. */
  readonly branch?: BranchReport;
}

export type CiPart = TestsPart | LintPart | ChecksPart | ContractsPart | BuildPart | BranchPart | FreshnessPart;

/** One failure, as text without colours. */
export interface CiFailure {
  readonly title: string;
  readonly text: string;
}

export interface CiReport {
  readonly status: 'pass' | 'fail';
  readonly parts: readonly CiPart[];
  /** The path of the Markdown summary; relative to the project if it is inside. */
  readonly summary: string;
  /** Milliseconds. */
  readonly ms: number;
}
