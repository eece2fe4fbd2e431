import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import type { Io } from './run-command.ts';

/** The possible sources of SQL for `query`. */
export interface QuerySource {
  readonly argument: string | undefined;
  /** A path, or `-` for stdin. */
  readonly file: string | undefined;
}

/**
 * Reads the SQL from the argument, a file, or piped stdin.
 * @throws MeetupError if there is none, there are two, or it can't be read.
 */
export async function readSql({ argument, file }: QuerySource, io: Pick<Io, 'stdin' | 'cwd'>): Promise<string> {
  if (argument !== undefined && file !== undefined) {
    throw new MeetupError('query takes either SQL or --file, not both.');
  }
  if (file !== undefined && file !== '-') return readSqlFile(resolve(io.cwd, file));
  if (argument !== undefined && argument !== '-') return argument;
  if (io.stdin === undefined || (io.stdin.isTTY === true && file === undefined && argument === undefined)) {
    throw new MeetupError('query takes SQL: give it as an argument, in a file with --file, or on stdin.');
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return decode(Buffer.concat(chunks), 'stdin');
}

async function readSqlFile(path: string): Promise<string> {
  try {
    return decode(await readFile(path), path);
  } catch (error) {
    throw fileProblem(error, path, { advice: 'check --file' });
  }
}

/** Decodes UTF-8 without the byte order mark. */
function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new MeetupError(`${where} can't be read because it is not UTF-8: save it as UTF-8.`, { cause: error });
  }
}
