import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { MeetupError, messageOf } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import type { Drop } from '../drops.ts';
import { sniffLayout } from '../json-text.ts';
import type { Contracts } from '../schemas.ts';
import { type Forgotten, type Redact, type Redaction, redactionOf } from './redact-record.ts';
import { withoutRemovedText } from './redact-text.ts';
import { splitBytes } from './split-bytes.ts';

/** How many records were taken out of something, and how many were changed. */
export interface Counts {
  readonly removed: number;
  readonly changed: number;
}

/** A file that holds forgotten records. */
export interface RedactedFile extends Counts {
  /** The file itself, where a link leads. */
  readonly path: string;
  /** The new file beside it. */
  readonly temporary: string;
  /** Of the new file. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Counts what has to be taken out of a file of records.
 * @throws MeetupError if it can't be searched, because it is not JSON.
 */
export async function searchFile(path: string, redact: Redact): Promise<Counts> {
  const counts = { removed: 0, changed: 0 };
  // Reading the pieces counts them.
  for await (const _ of redactedBytes(path, redact, counts));
  return counts;
}

/**
 * Writes a new version of a file of records beside it, without what is forgotten and with every other byte.
 * @returns undefined if the file holds nothing that is forgotten; nothing is left beside it then.
 * @throws MeetupError if it can't be searched or written.
 */
export async function redactFile(given: string, redact: Redact): Promise<RedactedFile | undefined> {
  const path = await realpath(given);
  const temporary = join(dirname(path), `.${basename(path)}.forgetting`);
  const counts = { removed: 0, changed: 0 };
  try {
    const left = Readable.from(redactedBytes(path, redact, counts));
    const file = createWriteStream(temporary);
    await (path.endsWith('.gz') ? pipeline(left, createGzip(), file) : pipeline(left, file));
    if (counts.removed + counts.changed === 0) {
      await rm(temporary, { force: true });
      return undefined;
    }
    await chmod(temporary, (await stat(path)).mode);
    return { path, temporary, ...counts, ...(await fingerprintOf(temporary)) };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof MeetupError
      ? error
      : fileProblem(error, temporary, { verb: 'written', advice: 'make its folder writable' });
  }
}

/** Puts the new version of a file in its place. */
export async function replaceFile({ path, temporary }: Pick<RedactedFile, 'path' | 'temporary'>): Promise<void> {
  await rename(temporary, path);
}

async function fingerprintOf(path: string): Promise<{ sha256: string; bytes: number }> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false, start: 0 })) {
      if (chunk instanceof Uint8Array) hash.update(chunk);
    }
    return { sha256: hash.digest('hex'), bytes: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

/** Yields what is left of a file, unpacked: each record with what is before it, and the end. */
async function* redactedBytes(
  path: string,
  redact: Redact,
  counts: { removed: number; changed: number },
): AsyncGenerator<Buffer> {
  const { layout } = await layoutOf(path);
  if (layout === 'nothing') return;
  let head: Buffer | undefined;
  let between: Buffer = Buffer.alloc(0);
  let hasKept = false;
  let endsBetween = false;
  let index = 0;
  for await (const { kind, bytes } of pieces(path, layout)) {
    head ??= kind === 'between' ? bytes : Buffer.alloc(0);
    endsBetween = kind === 'between';
    if (kind === 'between') {
      between = bytes;
      continue;
    }
    const { redaction, text } = judged(path, bytes, index, redact);
    index += 1;
    if (redaction.kind === 'removed') {
      counts.removed += 1;
      continue;
    }
    yield hasKept ? between : head;
    hasKept = true;
    if (redaction.kind === 'untouched') yield bytes;
    else {
      counts.changed += 1;
      yield Buffer.from(withoutRemovedText(text, redaction.removals));
    }
  }
  if (!hasKept && head !== undefined && index > 0) yield head;
  if (endsBetween) yield between;
}

async function* pieces(path: string, layout: 'array' | 'newline_delimited'): ReturnType<typeof splitBytes> {
  try {
    yield* splitBytes(path, layout);
  } catch (error) {
    throw cantSearch(path, `it can't be unpacked (${messageOf(error)})`, error);
  }
}

async function layoutOf(path: string): ReturnType<typeof sniffLayout> {
  try {
    return await sniffLayout(path);
  } catch (error) {
    throw cantSearch(path, error instanceof TypeError ? 'its text is not UTF-8' : messageOf(error), error);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The message quotes nothing, because the text may be personal data. */
function judged(path: string, bytes: Buffer, index: number, redact: Redact): { text: string; redaction: Redaction } {
  try {
    const text = utf8.decode(bytes);
    return { text, redaction: redact(JSON.parse(text)) };
  } catch (error) {
    if (error instanceof SyntaxError) throw cantSearch(path, `record ${index} is not JSON`);
    if (error instanceof TypeError) throw cantSearch(path, `record ${index} is not UTF-8`);
    throw error;
  }
}

const cantSearch = (path: string, why: string, cause?: unknown): MeetupError =>
  new MeetupError(
    `${path} can't be searched for records that have to be forgotten (${why}): fix or remove the file and try again.`,
    {
      ...(cause === undefined ? {} : { cause }),
    },
  );

/** The files of all drops that may hold something forgotten, each with the function that redacts its records. */
export function filesToRedact(
  drops: readonly Drop[],
  contracts: Contracts,
  forgotten: Forgotten,
): readonly { readonly sourceFile: string; readonly path: string; readonly redact: Redact }[] {
  const redactions = new Map(
    [...contracts.keys()].map((entity) => [entity, redactionOf(entity, contracts, forgotten)]),
  );
  return drops.flatMap(({ files }) =>
    files.flatMap(({ entity, path, sourceFile }) => {
      const redact = redactions.get(entity);
      return redact === undefined ? [] : [{ sourceFile, path, redact }];
    }),
  );
}
