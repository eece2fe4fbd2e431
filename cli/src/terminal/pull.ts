import type { DropReport, PullPlan, PullReport } from '../commands/pull.ts';
import { COMMAND } from '../config/paths.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../text/text.ts';

/** What would be brought, table by table. */
export function renderPullPlan(plan: PullPlan, style: Style): string {
  const table = renderTable(
    [{ name: 'source' }, { name: 'rows', align: 'right' }, { name: 'size', align: 'right' }, { name: 'why' }],
    plan.tables.map(({ name, rows, bytes, why }) => [name, formatCount(rows), formatBytes(bytes), why]),
    style,
  );
  const lines = [
    `${style.bold(`From ${plan.target}:`)} ${plan.chosen}, and what belongs to it.`,
    table,
    `${plural(plan.rows, 'row')}, ${formatBytes(plan.bytes)}. Personal data is replaced before anything is written.`,
  ];
  if (plan.cut.length > 0)
    lines.push(`Followed only a few steps, because it leads in a circle: ${plan.cut.join(', ')}.`);
  if (plan.left.length > 0) lines.push(`Null, because DuckDB has no such type: ${plan.left.join(', ')}.`);
  return lines.join('\n');
}

export function renderPull(report: PullReport, style: Style): string {
  if (report.status === 'declined') return 'Nothing was pulled.';
  const plan = renderPullPlan(report, style);
  if (report.status === 'planned') return [plan, style.caution('Nothing was read.')].join('\n');
  const kept = report.kept.filter(({ values }) => values.length > 0);
  return [
    plan,
    ...(kept.length === 0
      ? []
      : ['Kept, because the SQL names it:', ...kept.map(({ where, values }) => `  ${where}: ${values.join(', ')}`)]),
    ...report.keys.map(({ given, here }) => `${given} is ${here} here.`),
    `${style.good('Pulled')} ${style.dim(`in ${formatDuration(report.ms)}`)}. \`${COMMAND} dev\` builds on it; \`${COMMAND} pull --drop\` goes back to loaded files.`,
  ].join('\n');
}

export const renderDrop = ({ status }: DropReport): string =>
  status === 'dropped'
    ? 'The pulled sample was removed: the loaded files are the local data again.'
    : 'There is no pulled sample.';
