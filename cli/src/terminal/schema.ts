import type { SchemaDocsReport } from '../commands/schema-docs.ts';
import type { SchemaInferReport } from '../commands/schema-infer.ts';
import { schemaText } from '../schema/schema-text.ts';
import type { Style } from '../text/style.ts';
import { plural } from '../text/text.ts';

/** Renders each inferred schema: its text, or where it was written. */
export function renderInfer(report: SchemaInferReport, style: Style): string {
  return report.schemas
    .map(({ file, schema, status, records, notes }) => {
      if (status === 'printed') return schemaText(schema).trimEnd();
      const what = status === 'written' ? `Wrote ${file}` : `${file} is up to date`;
      return [`${what} ${style.dim(`(from ${plural(records, 'record')})`)}`, ...notes.map(style.caution)].join('\n');
    })
    .join('\n');
}

const STATUS = { unchanged: 'is up to date', written: 'was written', differs: 'differs from the schemas' } as const;

/** Renders the outcome for each file that is derived from the schemas. */
export function renderDocs({ files }: SchemaDocsReport, style: Style): string {
  const lines = files.map(({ file, status }) => {
    const line = `${file} ${STATUS[status]}.`;
    return status === 'differs' ? style.bad(line) : line;
  });
  const differs = files.some(({ status }) => status === 'differs');
  return [...lines, ...(differs ? ['Run `meetup schema docs` to write them.'] : [])].join('\n');
}
