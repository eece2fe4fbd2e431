import type { BuildReport } from '../commands/build.ts';
import type { DevReport } from '../commands/dev.ts';
import type { MartsSummary } from '../commands/summary.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatDuration, plural } from '../text/text.ts';
import type { Cell, QueryResult } from '../warehouse/warehouse.ts';
import { renderBuild } from './build.ts';
import { renderGenerate } from './generate.ts';
import { renderLoad } from './load.ts';

/** The summary that closes `dev`: what was loaded, what was built and how long it took, and a sample of the marts. */
export function renderDev(report: DevReport, style: Style): string {
  const title = (text: string): string => style.bold(style.accent(text));
  const parts: string[] = [];
  if (report.generated !== undefined) parts.push(title('Sample'), renderGenerate(report.generated, style), '');
  parts.push(title('Data'), renderLoad(report.load, style), '');
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
  return `${style.good('Ready.')} Ask the marts: ${style.bold('./meetup query "select * from group_scorecard limit 10"')} ${time}`;
}

function slowest(build: BuildReport, style: Style): string[] {
  const models = [...build.models].sort((a, b) => b.ms - a.ms).slice(0, 3);
  if (models.length === 0) return [];
  return [style.dim(`slowest: ${models.map(({ name, ms }) => `${name} ${formatDuration(ms)}`).join(', ')}`)];
}

function sample(marts: MartsSummary, style: Style, title: (text: string) => string): string[] {
  const [row] = marts.totals.rows;
  const totals = (row ?? []).map(
    (cell, i) => `${shown(cell)} ${marts.totals.columns[i]?.name.replace('_', ' ') ?? ''}`,
  );
  const asOf = totals.pop();
  return [
    title('Marts'),
    `${totals.join(', ')} ${style.dim(`(as of ${asOf?.replace(' as of', ' UTC').replace('T', ' ') ?? 'never'})`)}`,
    ...marts.warnings.map((warning) => style.caution(warning)),
    '',
    ...section('Top groups to sponsor', marts.topGroups, 'group_scorecard', style, title),
    '',
    ...section('Rising topics', marts.risingTopics, 'topic_months', style, title),
  ];
}

function section(
  name: string,
  result: QueryResult,
  mart: string,
  style: Style,
  title: (text: string) => string,
): string[] {
  if (result.rows.length === 0) return [title(name), style.dim(`${plural(0, 'row')} in ${mart}`)];
  const rounded = result.rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' && !Number.isInteger(cell) ? Number(cell.toFixed(2)) : cell)),
  );
  return [`${title(name)} ${style.dim(`from ${mart}`)}`, renderTable(result.columns, rounded, style)];
}

const shown = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : String(cell));
