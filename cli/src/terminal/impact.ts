import type { ImpactReport } from '../commands/impact.ts';
import { byTable } from '../lineage/column-rows.ts';
import type { ImpactedModel, ImpactedReader } from '../lineage/impact.ts';
import type { Style } from '../text/style.ts';
import { plural } from '../text/text.ts';

const READERS: readonly (readonly [ImpactedReader['kind'], string])[] = [
  ['exposure', 'exposures'],
  ['metric', 'metrics'],
  ['semantic_model', 'semantic models'],
  ['query', 'saved queries and pages'],
  ['test', 'data tests'],
];
const LONGEST_LIST = 12;

/** What feeds it, what it reaches, and who reads that; or the Mermaid chart alone, to be piped into a file. */
export function renderImpact(report: ImpactReport, style: Style): string {
  if (report.mermaid !== undefined) return report.mermaid;
  const { of, fedBy, rowsFedBy, models, readers } = report;
  const title = 'column' in of ? `${of.name}.${of.column}` : of.name;
  return [
    style.bold(title),
    ...section('Values come from', fedBy.map(columnLine(style)), style),
    ...section('Rows also depend on', byTable(rowsFedBy).map(tableLine), style),
    ...section('A change can alter', models.map(modelLine(style)), style),
    ...READERS.flatMap(([kind, heading]) =>
      section(
        `Read by ${heading}`,
        cut(readers.filter((reader) => reader.kind === kind).map(readerLine), LONGEST_LIST),
        style,
      ),
    ),
    '',
    summary(report),
  ].join('\n');
}

const section = (heading: string, lines: readonly string[], style: Style): string[] =>
  lines.length === 0 ? [] : ['', style.accent(heading), ...lines.map((line) => `  ${line}`)];

const columnLine =
  ({ dim }: Style) =>
  ({ name, column, depth }: ImpactReport['fedBy'][number]): string =>
    `${'  '.repeat(depth - 1)}${dim('←')} ${name}.${column}`;

const tableLine = ({ name, columns }: ReturnType<typeof byTable>[number]): string => `${name} (${columns.join(', ')})`;

const modelLine =
  ({ bold, dim, caution }: Style) =>
  ({ name, schema, public: isPublic, columns, rows, reason }: ImpactedModel): string =>
    [
      isPublic ? bold(name) : name,
      rows ? 'rows and all columns' : columns.join(', '),
      dim(isPublic ? `(${schema}, public)` : `(${schema})`),
      ...(reason === undefined ? [] : [caution(`its SQL can't be resolved: ${reason}`)]),
    ].join('  ');

const readerLine = ({ name, owner, url, figures = [] }: ImpactedReader): string =>
  [
    name,
    ...(owner === undefined ? [] : [`(${owner})`]),
    ...(url === undefined ? [] : [url]),
    ...(figures.length === 0 ? [] : [`shown in ${figures.join('; ')}`]),
  ].join('  ');

const cut = (lines: readonly string[], most: number): string[] =>
  lines.length <= most ? [...lines] : [...lines.slice(0, most), `… and ${lines.length - most} more`];

function summary({ models, readers }: ImpactReport): string {
  const published = models.filter((model) => model.public).length;
  if (models.length === 0 && readers.length === 0) return 'Nothing in the project reads it.';
  return `A change reaches ${plural(models.length, 'model')}, ${published} of them public, and ${plural(readers.length, 'reader')}.`;
}
