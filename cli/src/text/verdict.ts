import type { Problem } from '../engine/protocol.ts';
import type { NodeVerdict } from '../engine/results.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { renderDifference } from './difference.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { plural } from './text.ts';

/** One node that failed or warned, with the information needed to fix it. */
export function renderVerdict(node: NodeVerdict, style: Style): string {
  const kind = node.kind === 'unit_test' ? 'unit test' : node.kind;
  if (node.problem !== undefined) return renderProblem(`${kind} ${node.name}`, node.problem, style);
  const paint = node.status === 'warn' ? style.caution : style.bad;
  const head = paint(`✗ ${kind} ${node.name}`);
  // dbt's paths are relative to its project folder; fixtures are next to it.
  const file = node.file?.replace(/^\.\.\//, '');
  const place = file ? `  ${style.accent(`${file}${node.line ? `:${node.line}` : ''}`)}` : '';
  if (node.difference !== undefined) {
    return [`${head}${place}`, indent(renderDifference(node.difference, style))].join('\n');
  }
  if (node.diff !== undefined) return [head, renderDiff(node.diff, style)].join('\n');
  const rows =
    node.failures === undefined ? (node.message ?? '') : `${plural(node.failures, 'row')} that should not exist`;
  return [`${head}: ${rows}${place}`, ...renderSample(node, style)].join('\n');
}

/** A problem with its file and line. */
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

/** Rows that only one side has: expected ones with a minus, actual ones with a plus. */
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
