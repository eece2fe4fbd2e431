import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { type DocumentedFile, documentSchemas } from '../schema/docs/write-docs.ts';

export interface SchemaDocsOptions {
  readonly paths: Pick<Paths, 'root' | 'settings' | 'data' | 'schemas' | 'dbtProject'>;
  /** Only compare the files with the schemas. */
  readonly checks: boolean;
}

export interface SchemaDocsReport {
  readonly files: readonly DocumentedFile[];
}

/** Writes the files that are derived from the schemas, or checks them. */
export async function run({ paths, checks }: SchemaDocsOptions): Promise<CommandResult<SchemaDocsReport>> {
  const files = await documentSchemas(paths, checks);
  return { exitCode: files.some(({ status }) => status === 'differs') ? 1 : 0, report: { files } };
}
