import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { hasCode } from '../../config/errors.ts';

/** The file by which `generate` recognizes its own files. */
export const MARKER = '.generated.json';

const fileSchema = z.object({ path: z.string(), bytes: z.number(), records: z.number(), sha256: z.string() });
const markerSchema = z.object({
  madeBy: z.literal('meetup generate'),
  /** The generator's version. */
  version: z.number(),
  seed: z.number(),
  scale: z.number(),
  days: z.number(),
  memberships: z.number(),
  rsvps: z.number(),
  files: z.array(fileSchema),
  /** Files of an earlier run; present only while files are being moved into place. */
  replaces: z.array(fileSchema).optional(),
});

export type GeneratedFile = z.infer<typeof fileSchema>;
export type Marker = z.infer<typeof markerSchema>;

/** Reads a folder's marker; undefined if there is no valid one. */
export async function readMarker(folder: string): Promise<Marker | undefined> {
  try {
    const parsed = markerSchema.safeParse(JSON.parse(await readFile(join(folder, MARKER), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes the marker atomically. */
export async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const path = join(folder, MARKER);
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${JSON.stringify(marker, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Whether a file exists and is byte for byte as generated. */
export async function isUntouched(folder: string, file: GeneratedFile): Promise<boolean> {
  const path = join(folder, file.path);
  try {
    if ((await stat(path)).size !== file.bytes) return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
  const digest = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), digest);
  return digest.digest('hex') === file.sha256;
}
