import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { CommandResult } from '../config/result.ts';
import type { InferredSchema } from '../schema/infer/infer.ts';
import { inferFiles } from '../schema/infer/infer-files.ts';
import { schemaText } from '../schema/schema-text.ts';

export interface SchemaInferOptions {
  /** The JSON files; several files of an entity result in one schema. */
  readonly files: readonly string[];
  /** The folder for the schemas. */
  readonly out: string;
  /** Replace existing schemas. */
  readonly force: boolean;
  /** Print the schemas instead of writing them. */
  readonly prints: boolean;
}

export interface SchemaInferReport {
  readonly schemas: readonly (InferredSchema & {
    readonly file: string;
    readonly status: 'printed' | 'written' | 'unchanged';
  })[];
}

/**
 * Infers the JSON Schema of each entity from its files. All schemas are inferred before the first is written.
 * @throws MeetupError if files can't be read as records (all are named), or a different schema already exists.
 */
export async function run(options: SchemaInferOptions, effects: Effects): Promise<CommandResult<SchemaInferReport>> {
  const inferred: (InferredSchema & { file: string; text: string; isThere: boolean })[] = [];
  for (const result of await inferFiles(options.files, effects)) {
    const file = join(options.out, `${result.entity}.schema.json`);
    const text = schemaText(result.schema);
    const isThere = !options.prints && (await holds(file, text));
    if (!options.prints && !isThere && existsSync(file) && !options.force) {
      throw new MeetupError(
        `${file} already exists with different content: compare it with --print, or replace it with --force. No schema was written.`,
      );
    }
    inferred.push({ ...result, file, text, isThere });
  }
  if (!options.prints) await mkdir(options.out, { recursive: true });
  const schemas: SchemaInferReport['schemas'][number][] = [];
  for (const { text, isThere, ...result } of inferred) {
    if (!options.prints && !isThere) await writeAtomically(result.file, text);
    schemas.push({ ...result, status: options.prints ? 'printed' : isThere ? 'unchanged' : 'written' });
  }
  return { exitCode: 0, report: { schemas } };
}

const holds = async (file: string, text: string): Promise<boolean> =>
  existsSync(file) && (await readFile(file, 'utf8')) === text;
