import { basename } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { MeetupError } from '../../config/errors.ts';
import { entityOfFile } from '../../ingest/drops.ts';
import { isEntityName, isReservedName } from '../../ingest/schemas.ts';
import { type InferredSchema, inferSchema } from './infer.ts';
import { UnusableFilesError } from './unusable-files.ts';

/**
 * Infers a schema for each entity in the files' names, sorted by entity: `2026-01-31/users.ndjson.gz` contains users.
 * @param others faults of these files that the caller has found.
 * @throws UnusableFilesError that names every file that can't be used, and why.
 */
export async function inferFiles(
  paths: readonly string[],
  effects: Pick<Effects, 'signal' | 'reporter'>,
  others: readonly MeetupError[] = [],
): Promise<readonly InferredSchema[]> {
  const faults = [...others];
  const unlessFaulty = async <T>(work: () => T | Promise<T>): Promise<T[]> => {
    try {
      return [await work()];
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      faults.push(error);
      return [];
    }
  };
  const files = new Map<string, string[]>();
  for (const path of [...new Set(paths)].sort()) {
    for (const entity of await unlessFaulty(() => entityOf(path))) {
      files.set(entity, [...(files.get(entity) ?? []), path]);
    }
  }
  const inferred: InferredSchema[] = [];
  for (const [entity, ofEntity] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    effects.reporter.progress(`Reading ${ofEntity.join(', ')} …`);
    inferred.push(...(await unlessFaulty(() => inferSchema(entity, ofEntity, effects))));
  }
  if (faults.length > 0) throw new UnusableFilesError(faults);
  return inferred;
}

/** @throws MeetupError if the file's name isn't that of a JSON file, or can't be a table name. */
function entityOf(path: string): string {
  const entity = entityOfFile(basename(path));
  if (entity === undefined) {
    throw new MeetupError(
      `${path} is not named like a JSON file: schemas are inferred from files that end in .json, .jsonl or .ndjson, with or without .gz.`,
    );
  }
  if (isEntityName(entity)) return entity;
  const why = isReservedName(entity)
    ? `rename it, because \`load\` uses the name '${entity}' itself.`
    : `rename it to lower-case letters, digits and underscores, beginning with a letter, because '${entity}' would be its table.`;
  throw new MeetupError(`${path} can't be loaded under its name: ${why}`);
}
