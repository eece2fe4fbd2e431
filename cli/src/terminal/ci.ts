import type { CiPart, CiReport } from '../ci/report.ts';
import { ciBase, ciCounts, ciFailures, ciWarnings } from '../ci/words.ts';
import type { Style } from '../text/style.ts';
import { formatDuration, plural } from '../text/text.ts';

/** How many warnings of a part are shown. */
const LONGEST_LIST = 20;

/** A line for each part, its failures, and the path of the summary. vitest has shown its failures already. */
export function renderCi(report: CiReport, style: Style): string {
  const failed = report.parts.filter(({ status }) => status === 'fail').length;
  const verdict =
    failed === 0
      ? style.good('Every check passed')
      : style.bad(`${failed} of ${plural(report.parts.length, 'check')} failed`);
  return [
    ...report.parts.flatMap((part) => [lineOf(part, style), ...detailsOf(part, style)]),
    '',
    `${verdict} ${style.dim(`in ${formatDuration(report.ms)}; summary: ${report.summary}`)}`,
  ].join('\n');
}

function lineOf(part: CiPart, style: Style): string {
  const mark = { pass: style.good('✓'), fail: style.bad('✗'), skip: style.dim('-') }[part.status];
  return `${mark} ${part.name.padEnd(9)}  ${ciCounts(part)} ${style.dim(formatDuration(part.ms))}`;
}

function detailsOf(part: CiPart, style: Style): string[] {
  const lines: string[] = [];
  if (part.name === 'build' && part.message === undefined) {
    lines.push(style.dim(ciBase(part)), ...part.changed.map(({ name, why }) => `${name} ${style.dim(why)}`));
  }
  if (part.name === 'contracts') {
    lines.push(
      ...part.altered
        .slice(0, LONGEST_LIST)
        .map(({ name, columns, rows }) => `${name} ${style.dim(rows ? 'rows and all columns' : columns.join(', '))}`),
    );
  }
  if (part.status === 'fail') {
    const shown = part.name === 'fixtures' || part.name === 'scenarios' ? 'title' : 'text';
    lines.push(...ciFailures(part, style).flatMap((failure) => (part.message ?? failure[shown]).split('\n')));
  }
  const warnings = ciWarnings(part);
  lines.push(...warnings.slice(0, LONGEST_LIST).map((line) => style.dim(line)));
  if (warnings.length > LONGEST_LIST) {
    lines.push(style.dim(`… and ${plural(warnings.length - LONGEST_LIST, 'more warning')}, in the summary`));
  }
  return lines.map((line) => `    ${line}`);
}
