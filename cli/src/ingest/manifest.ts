import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import { JsonFileFault, parseJsonFile } from './schema-file.ts';

/** The file in a drop's folder that says which of its files are complete. */
export const MANIFEST = 'drop.json';

const VALUES = 'true, false or a list of names, such as ["users", "groups"]';

const manifestSchema = z.strictObject({
  /** Whether the files hold all records there are, so that what they lack is gone: all of them, or those of these entities. */
  complete: z.union([z.boolean(), z.array(z.string())], { error: () => `complete must be ${VALUES}` }).default(false),
});

/**
 * Reads the manifest of a drop.
 * @param present the entities with a file in the drop.
 * @returns the entities whose files are complete.
 * @throws MeetupError with the line if it can't be used, or names an entity without a file.
 */
export async function readManifest(path: string, present: readonly string[]): Promise<ReadonlySet<string>> {
  const unusable = (line: number, why: string, cause?: unknown): MeetupError =>
    new MeetupError(`${path}:${line} can't be used: ${why}. Nothing was loaded.`, cause === undefined ? {} : { cause });
  const json = parsed(await text(path), unusable);
  const manifest = manifestSchema.safeParse(json.value);
  if (!manifest.success) {
    const [issue] = manifest.error.issues;
    if (issue?.code === 'unrecognized_keys') {
      const [key = ''] = issue.keys;
      throw unusable(json.lineOf([key]), `it has an unknown property ${JSON.stringify(key)}; the only one is complete`);
    }
    const why = issue?.path.length ? issue.message : `it must be an object such as {"complete": true}`;
    throw unusable(json.lineOf(['complete']), why);
  }
  const { complete } = manifest.data;
  if (typeof complete === 'boolean') return new Set(complete ? present : []);
  const position = complete.findIndex((entity) => !present.includes(entity));
  if (position !== -1) {
    const files = present.length === 0 ? 'no data files' : `only files of ${present.join(', ')}`;
    throw unusable(
      json.lineOf(['complete', String(position)]),
      `it says that ${JSON.stringify(complete[position])} is complete, but the folder has ${files}`,
    );
  }
  return new Set(complete);
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileProblem(error, path, { advice: 'nothing was loaded' });
  }
}

function parsed(
  content: string,
  unusable: (line: number, why: string, cause: unknown) => MeetupError,
): ReturnType<typeof parseJsonFile> {
  try {
    return parseJsonFile(content);
  } catch (error) {
    if (error instanceof JsonFileFault) throw unusable(error.line, error.message, error);
    throw error;
  }
}
