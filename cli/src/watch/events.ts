import type { Problem } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';

/** What `dev --watch --json` prints, one per line. */
export type WatchEvent =
  | { readonly event: 'ready' }
  /** The changed files, relative to the project's root if they are inside it. */
  | { readonly event: 'change'; readonly files: readonly string[] }
  | { readonly event: 'load'; readonly status: 'loaded' | 'unchanged' | 'refused'; readonly message?: string }
  | { readonly event: 'started'; readonly name: string; readonly kind: string }
  | ({ readonly event: 'model' | 'test' } & NodeVerdict)
  /** The project can't be parsed; the next valid save clears this. */
  | { readonly event: 'problem'; readonly problem: Problem }
  /** A file was saved during a build, so the build starts over. */
  | { readonly event: 'superseded' }
  | {
      readonly event: 'done';
      readonly status: 'pass' | 'fail';
      /** Milliseconds, from the first file event of the batch. */
      readonly ms: number;
      readonly built: readonly string[];
      readonly spared: readonly string[];
      /** Models that were rebuilt with the same content as before, so that downstream models are skipped. */
      readonly unchanged: readonly string[];
      readonly removed: readonly string[];
      /** All nodes that currently fail, whether or not they ran this time. */
      readonly failing: readonly string[];
      readonly error?: string;
    };
