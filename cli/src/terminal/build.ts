import type { BuildReport } from '../commands/build.ts';
import type { NodeVerdict } from '../engine/results.ts';
import type { Style } from '../text/style.ts';
import { formatDuration, plural } from '../text/text.ts';
import { renderProblem, renderVerdict } from '../text/verdict.ts';

/** Renders each failure once, with the project's file and line; then one closing line. */
export function renderBuild(report: BuildReport, style: Style): string {
  const parts = [
    ...report.problems.map((problem) => renderProblem("The dbt project can't be read", problem, style)),
    ...[...report.models, ...report.tests].filter(isShown).map((node) => renderVerdict(node, style)),
    ...elsewhere(report, style),
    renderSummary(report, style),
  ];
  return parts.join('\n\n');
}

/** Models that were not built because this engine can't. */
function elsewhere({ elsewhere: models }: BuildReport, style: Style): string[] {
  if (models.length === 0) return [];
  const named = models.map(({ name, reason }) => `${name} (${reason})`);
  return [style.dim(`Not built on this target: ${named.join(', ')}`)];
}

const isShown = (node: NodeVerdict): boolean => node.status === 'fail' || node.status === 'warn';

/** The one line that closes a build: counts, time, and whether readers see it. */
export function renderSummary(report: BuildReport, style: Style): string {
  if (report.problems.length > 0) return style.bad(`Nothing was built, in ${formatDuration(report.ms)}.`);
  if (report.spared !== undefined && report.models.length + report.tests.length === 0) {
    return `${style.good('Everything was up to date')} ${style.dim(`in ${formatDuration(report.ms)}`)}`;
  }
  const parts = [
    outcome(report.models, 'model', 'built', style),
    ...(report.tests.length === 0 ? [] : [outcome(report.tests, 'test', 'passed', style)]),
  ];
  const written = report.models.reduce((sum, { rowsWritten }) => sum + (rowsWritten ?? 0), 0);
  if (written > 0) parts.push(`${plural(written, 'row')} written`);
  const spared = report.spared?.length ?? 0;
  if (spared > 0) parts.push(style.dim(`${spared} skipped`));
  const line = `${parts.join('; ')} ${style.dim(`in ${formatDuration(report.ms)}`)}`;
  const unpublished = report.models.length > 0 && !report.published && report.status === 'fail';
  return unpublished
    ? `${line}\n${style.dim('Readers keep the previous state: a failed build is not published.')}`
    : line;
}

function outcome(nodes: readonly NodeVerdict[], noun: string, done: string, style: Style): string {
  const count = (status: NodeVerdict['status']): number => nodes.filter((node) => node.status === status).length;
  const failed = count('fail');
  const counts = [`${plural(count('pass'), noun)} ${done}`];
  if (failed > 0) counts.push(style.bad(`${failed} failed`));
  if (count('warn') > 0) counts.push(style.caution(`${count('warn')} warned`));
  if (count('skip') > 0) counts.push(`${count('skip')} skipped`);
  const text = counts.join(', ');
  return failed === 0 ? style.good(text) : text;
}
