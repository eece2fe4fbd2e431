import type { Problem } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';
import type { RemoteName } from '../targets/target.ts';
import type { BranchChanges } from './changes/compare.ts';

/** A model in a branch, and how it was built. */
export interface BranchModel {
  readonly uniqueId: string;
  readonly name: string;
  /** `schema.name` in the branch. */
  readonly place: string;
  readonly begins: 'clone' | 'scratch';
  readonly reason: string;
  /** `kept`: an earlier run built it from the same code and inputs. */
  readonly status: NodeVerdict['status'] | 'kept';
}

export interface BranchReport {
  /** `unchanged`: there was nothing to build. `exceeded`: it changes more rows than meetup.yml allows. */
  readonly status: 'built' | 'unchanged' | 'failed' | 'exceeded';
  readonly name: string;
  readonly target: RemoteName;
  /** The deployment that it differs from. */
  readonly base: string;
  readonly commit: string | null;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly schemas: readonly string[];
  readonly models: readonly BranchModel[];
  /** Tables that are newer than what the deployed marts were built from, and are read as of then. */
  readonly pinned: readonly { readonly relation: string; readonly version: number; readonly newer: string }[];
  /** Public relations that left the project. */
  readonly removed: readonly string[];
  readonly nodes: readonly NodeVerdict[];
  readonly problems: readonly Problem[];
  /** The size of the files that the branch has written for itself. */
  readonly bytes: number;
  /** How its public models differ from what readers see. */
  readonly changes: BranchChanges;
  /** Branches that were dropped because their time was over. */
  readonly expired: readonly string[];
  /** Milliseconds. */
  readonly ms: number;
}
