import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { MeetupError } from './errors.ts';
import { reasonOf } from './explain.ts';
import { fileProblem } from './file-errors.ts';

/**
 * Reads a JSON file that another program wrote.
 * @param advice what to do if it can't be used, as a clause that follows a colon.
 * @throws MeetupError if it can't be read, is not JSON, or doesn't match the schema.
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>, advice: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileProblem(error, path, { advice });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MeetupError(`${path} is not JSON (${reasonOf(error)}): ${advice}.`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new MeetupError(`${path} is invalid${where} (${issue?.message ?? 'unexpected value'}): ${advice}.`);
}
