import type { BuildReport, NodeVerdict } from '../commands/build.ts';
import type { NodeResult, Problem } from '../engine/protocol.ts';
import { formatDuration, plural } from '../text/text.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { renderDifference } from './difference.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

/** What failed, once each, with the person's own file and line; then one closing line. */
export function renderBuild(report: BuildReport, style: Style): string {
  const parts = [
    ...report.problems.map((problem) => renderProblem('The dbt project can not be read', problem, style)),
    ...[...report.models, ...report.tests].filter(isTold).map((node) => renderVerdict(node, style)),
    renderSummary(report, style),
  ];
  return parts.join('\n\n');
}

const isTold = (node: NodeVerdict): boolean => node.status === 'fail' || node.status === 'warn';

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
  const spared = report.spared?.length ?? 0;
  if (spared > 0) parts.push(style.dim(`${spared} spared`));
  const line = `${parts.join('; ')} ${style.dim(`in ${formatDuration(report.ms)}`)}`;
  const unpublished = report.models.length > 0 && !report.published && report.status === 'fail';
  return unpublished ? `${line}\n${style.dim('Readers keep the state before: what failed is not published.')}` : line;
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

/** One node that failed or warned, with what a person needs to mend it. */
export function renderVerdict(node: NodeVerdict, style: Style): string {
  const kind = node.kind === 'unit_test' ? 'unit test' : node.kind;
  if (node.problem !== undefined) return renderProblem(`${kind} ${node.name}`, node.problem, style);
  const paint = node.status === 'warn' ? style.caution : style.bad;
  const head = paint(`✗ ${kind} ${node.name}`);
  if (node.difference !== undefined) {
    // dbt names files from its own folder, which fixtures stand beside.
    const place = `${node.file?.replace(/^\.\.\//, '')}${node.line ? `:${node.line}` : ''}`;
    return [`${head}  ${style.accent(place)}`, indent(renderDifference(node.difference, style))].join('\n');
  }
  if (node.diff !== undefined) return [head, renderDiff(node.diff, style)].join('\n');
  const rows =
    node.failures === undefined ? (node.message ?? '') : `${plural(node.failures, 'row')} should not be there`;
  return [`${head}: ${rows}`, ...renderSample(node, style)].join('\n');
}

/** Where in the person's own files something is wrong, and what. */
export function renderProblem(title: string, problem: Problem, style: Style): string {
  const line = problem.line === null ? '' : `:${problem.line}`;
  const place = problem.file === null ? '' : `  ${style.accent(`${problem.file}${line}`)}`;
  const excerpt = problem.excerpt === null ? [] : [indent(style.dim(problem.excerpt))];
  return [`${style.bad(`✗ ${title}`)}${place}`, indent(problem.message), ...excerpt].join('\n');
}

function renderSample(node: NodeVerdict, style: Style): string[] {
  if (node.sample === undefined || node.sample.rows.length === 0) return [];
  const columns = node.sample.columns.map((name) => ({ name }));
  const rows = node.sample.rows.map((row) => row.map(toCell));
  const more = (node.failures ?? 0) - rows.length;
  const table = indent(renderTable(columns, rows, style));
  return more > 0 ? [table, indent(style.dim(`… and ${plural(more, 'row')} more`))] : [table];
}

/** Why one unit test failed: the rows that differ, or what kept it from running. */
export function renderUnitTest(test: NodeResult, style: Style): string {
  if (test.diff !== undefined) return renderDiff(test.diff, style);
  if (test.problem !== undefined) return renderProblem(test.name, test.problem, style);
  return test.message ?? test.status;
}

/** Rows that only one side has: what was expected with a minus, what came with a plus. */
function renderDiff(diff: NonNullable<NodeVerdict['diff']>, style: Style): string {
  const text = (row: Record<string, unknown>): string => JSON.stringify(row);
  const [expected, actual] = [diff.expected.map(text), diff.actual.map(text)];
  const missing = without(expected, actual).map((row) => style.bad(`- ${row}`));
  const extra = without(actual, expected).map((row) => style.good(`+ ${row}`));
  return indent([...missing, ...extra].join('\n'));
}

/** The rows of one list that the other lacks, counting repeats. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function toCell(value: unknown): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return JSON.stringify(value) ?? null;
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');
