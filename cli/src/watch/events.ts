import type { Problem } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';

/** What `dev --watch --json` prints, one per line. */
export type WatchEvent =
  | { readonly event: 'ready' }
  /** Files, relative to the project's root where they lie in it. */
  | { readonly event: 'change'; readonly files: readonly string[] }
  | { readonly event: 'load'; readonly status: 'loaded' | 'unchanged' | 'refused'; readonly message?: string }
  | { readonly event: 'started'; readonly name: string; readonly kind: string }
  | ({ readonly event: 'model' | 'test' } & NodeVerdict)
  /** The project can't be read as it stands; the next good save clears it. */
  | { readonly event: 'problem'; readonly problem: Problem }
  /** A save came while a build ran, and the build starts over. */
  | { readonly event: 'superseded' }
  | {
      readonly event: 'done';
      readonly status: 'pass' | 'fail';
      /** Milliseconds, from the first file event of the batch. */
      readonly ms: number;
      readonly built: readonly string[];
      readonly spared: readonly string[];
      /** Built, and with the same content as before: what spares those downstream. */
      readonly unchanged: readonly string[];
      readonly removed: readonly string[];
      /** All that fails as the project stands, whether it ran this time or not. */
      readonly failing: readonly string[];
      readonly error?: string;
    };
