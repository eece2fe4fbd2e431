import type { Remote } from '../../src/deploy/remote.ts';
import { rowsOf } from './contents.ts';

/** What a reader saw of each relation: the distinct contents, in the order in which they were first seen. */
export interface Seen {
  readonly contents: ReadonlyMap<string, readonly string[]>;
  readonly errors: readonly string[];
  readonly reads: number;
}

/** Reads relations in a loop over a connection of its own, like a dashboard that never rests. @returns a function that stops it. */
export function pollingReader(remote: Remote, relations: readonly string[]): () => Promise<Seen> {
  const contents = new Map<string, string[]>(relations.map((relation) => [relation, []]));
  const errors: string[] = [];
  let reads = 0;
  let isStopped = false;
  const loop = async (): Promise<void> => {
    while (!isStopped) {
      try {
        for (const [relation, rows] of await rowsOf(remote, relations)) {
          const seen = contents.get(relation) ?? [];
          const content = rows.join(' ');
          if (!seen.includes(content)) seen.push(content);
        }
        reads += 1;
      } catch (error) {
        errors.push(String(error));
      }
    }
  };
  const looping = loop();
  return async () => {
    isStopped = true;
    await looping;
    return { contents, errors, reads };
  };
}
