import type { BuildReport } from '../commands/build.ts';
import type { DevReport } from '../commands/dev.ts';
import type { MartsSummary, Shown } from '../commands/summary.ts';
import { COMMAND } from '../config/paths.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatDuration, plural } from '../text/text.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { renderBuild } from './build.ts';
import { renderGenerate } from './generate.ts';
import { renderLoad } from './load.ts';

/** The summary that closes `dev`: what was loaded, what was built and how long it took, and a sample of the marts. */
export function renderDev(report: DevReport, style: Style): string {
  const title = (text: string): string => style.bold(style.accent(text));
  const parts: string[] = [];
  if (report.generated !== undefined) parts.push(title('Sample'), renderGenerate(report.generated, style), '');
  const hasEntities = Object.keys(report.load.entities).length > 0;
  if (hasEntities) parts.push(title('Data'), renderLoad(report.load, style), '');
  if (report.build !== undefined) {
    parts.push(title('Models and tests'), renderBuild(report.build, style), ...slowest(report.build, style), '');
  }
  if (report.marts !== undefined) parts.push(...sample(report.marts, style, title), '');
  parts.push(closing(report, style));
  return parts.join('\n');
}

function closing(report: DevReport, style: Style): string {
  const time = style.dim(`(${formatDuration(report.ms)})`);
  if (report.status === 'unchanged')
    return `${style.good('Nothing changed')} since the last build, so nothing was done. ${time}`;
  if (report.status === 'refused') return `${style.bad('Nothing was built')}, because data was refused. ${time}`;
  if (report.status === 'fail') return `${style.bad('The build failed')}: see above. ${time}`;
  return `${style.good('Ready.')} ${asking(report, style)}${time}`;
}

/** Suggests a first query, on the last built model that no other model reads. */
function asking({ build }: DevReport, style: Style): string {
  const model = build?.models.findLast(({ status, kind }) => status === 'pass' && kind !== 'operation');
  return model === undefined
    ? ''
    : `Ask the marts: ${style.bold(`${COMMAND} query "select * from ${model.alias ?? model.name} limit 10"`)} `;
}

function slowest(build: BuildReport, style: Style): string[] {
  const models = [...build.models].sort((a, b) => b.ms - a.ms).slice(0, 3);
  if (models.length === 0) return [];
  return [style.dim(`slowest: ${models.map(({ name, ms }) => `${name} ${formatDuration(ms)}`).join(', ')}`)];
}

/** Renders the summary: results with one row on one line, others as tables. */
function sample(marts: MartsSummary, style: Style, title: (text: string) => string): string[] {
  const warnings = marts.warnings.map((warning) => style.caution(warning));
  const parts = marts.shown.map((shown) => section(shown, style, title));
  return [...warnings, ...parts.flatMap((part, at) => (at === 0 ? part : ['', ...part]))];
}

function section(shown: Shown, style: Style, title: (text: string) => string): string[] {
  const { columns, rows, file } = shown;
  const [first] = rows;
  if (first === undefined) return [title(shown.title), style.dim(`${plural(0, 'row')} from ${file}`)];
  if (rows.length === 1) {
    const cells = first.map((cell, at) => inLine(columns[at]?.name.replaceAll('_', ' ') ?? '', cell));
    return [title(shown.title), cells.join(', ')];
  }
  const rounded = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' && !Number.isInteger(cell) ? Number(cell.toFixed(2)) : cell)),
  );
  return [`${title(shown.title)} ${style.dim(`from ${file}`)}`, renderTable(columns, rounded, style)];
}

/** `1,234 groups`, `as of 2026-01-05 18:00:00` */
function inLine(name: string, cell: Cell): string {
  if (typeof cell === 'number') return `${cell.toLocaleString('en-US')} ${name}`;
  return `${name} ${cell === null ? 'unknown' : String(cell).replace(/^(\d{4}-\d{2}-\d{2})T/, '$1 ')}`;
}
