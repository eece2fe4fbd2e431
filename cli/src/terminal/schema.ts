import type { SchemaDocsReport } from '../commands/schema-docs.ts';
import type { SchemaInferReport } from '../commands/schema-infer.ts';
import type { SchemaProposeReport } from '../commands/schema-propose.ts';
import { schemaText } from '../schema/schema-text.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatCount, plural } from '../text/text.ts';

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

/** The proposed changes of each schema, with the records that each admits, and the diff. */
export function renderPropose({ status, proposals }: SchemaProposeReport, style: Style): string {
  if (proposals.length === 0) return 'There are no rejected records.';
  const parts = proposals.map(({ entity, rejected, valid, changes, advice, admits, diff }) => {
    const head = `${entity}: ${plural(rejected, 'rejected record')}, ${formatCount(admits)} of them admitted by all changes together.`;
    const late =
      valid === 0
        ? []
        : [`${plural(valid, 'more record')} ${valid === 1 ? 'is' : 'are'} valid now: run \`load --retry-rejected\`.`];
    const rows = changes.map((change) => [change.what, formatCount(change.concerns), formatCount(change.admits)]);
    const columns = [
      { name: 'change' },
      { name: 'affected records', align: 'right' as const },
      { name: 'admitted by this change', align: 'right' as const },
    ];
    const table =
      rows.length === 0
        ? advice.length > 0
          ? []
          : ['No change affects enough records: --least sets how many that is.']
        : [renderTable(columns, rows, style), diff.trimEnd()];
    return [head, ...late, ...advice, ...table].join('\n');
  });
  const next =
    status === 'proposed'
      ? ['Write the changes with `schema propose --apply`.']
      : status === 'applied'
        ? ['The schemas were changed: run `load --retry-rejected` (with `--migrate` if a column gets another type).']
        : [];
  return [...parts, ...next].join('\n\n');
}
