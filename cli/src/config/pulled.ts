import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, MeetupError } from './errors.ts';

/** What `pull` brought, and in which folder of the state folder it is. */
const pulledSchema = z.object({
  version: z.literal(1),
  /** The name of the folder with its databases and build state. */
  folder: z.string().regex(/^pulled-\w+$/),
  /** The target that it came from. */
  from: z.string(),
  /** ISO 8601. */
  at: z.string(),
  /** How it was chosen, without values. */
  chosen: z.string(),
  rows: z.number(),
});

/** The sample that local commands work on instead of loaded files. */
export type Pulled = z.infer<typeof pulledSchema>;

/** The file that makes a pulled sample the local data. Writing or removing it is the whole switch. */
export const pulledFile = (state: string): string => join(state, 'pulled.json');

/**
 * Reads whether local commands work on a pulled sample.
 * @throws MeetupError if the file is damaged.
 */
export function readPulled(state: string): Pulled | undefined {
  const file = pulledFile(state);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new MeetupError(`${file} can't be read: make it readable, or remove it to go back to loaded files.`, {
      cause: error,
    });
  }
  const parsed = pulledSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new MeetupError(`${file} is damaged: remove it to go back to loaded files.`);
  // `clean` that was interrupted may leave the file alone.
  return existsSync(join(state, parsed.data.folder)) ? parsed.data : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws MeetupError if local data is a pulled sample, which this work must not mix with loaded files. */
export function requireLoaded({ pulled }: { readonly pulled?: Pulled | undefined }, command: string): void {
  if (pulled === undefined) return;
  throw new MeetupError(
    `The local data is a sample pulled from ${pulled.from}, but ${command} needs the loaded files: \`./meetup pull --drop\` goes back to them.`,
  );
}
