import type { DiffReport } from '../commands/diff.ts';
import type { RowDifference } from '../compare/cells.ts';
import type { MartComparison } from '../compare/compare.ts';
import { absence, summaryOf } from '../compare/words.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatDuration, plural } from '../text/text.ts';

/** A line per mart, then the differences in each. */
export function renderDiff(report: DiffReport, style: Style): string {
  const { from, to, marts } = report;
  const overview = renderTable(
    [{ name: 'mart' }, { name: from, align: 'right' }, { name: to, align: 'right' }, { name: 'verdict' }],
    marts.map((mart) => [
      mart.name,
      mart.rows.from,
      mart.rows.to,
      mart.missingIn === undefined ? mart.status : absence(mart.missingIn),
    ]),
    style,
  );
  const different = marts.filter(({ status }) => status === 'different');
  const verdict =
    different.length === 0
      ? style.good(`${plural(marts.length, 'mart')} equal`)
      : style.bad(
          `${different.length} of ${plural(marts.length, 'mart')} ${different.length === 1 ? 'differs' : 'differ'}`,
        );
  const details = different
    .filter(({ missingIn }) => missingIn === undefined)
    .map((mart) => renderMart(mart, report, style));
  return [overview, ...details, `${verdict} ${style.dim(`in ${formatDuration(report.ms)}`)}`].join('\n\n');
}

function renderMart(mart: MartComparison, { from, to }: DiffReport, style: Style): string {
  const types = mart.columns.map(
    ({ column, from: mine, to: other }) =>
      `  column ${column}: ${mine ?? 'missing'} in ${from}, ${other ?? 'missing'} in ${to}`,
  );
  const summary = summaryOf(mart);
  const rows = mart.differences.flatMap(cellsOf);
  const heads = [{ name: 'row' }, { name: 'column' }, { name: from }, { name: to }];
  return [
    style.bad(mart.name),
    ...types,
    ...(summary === '' ? [] : [`  ${summary}`]),
    ...(rows.length === 0 ? [] : [renderTable(heads, rows, style)]),
  ].join('\n');
}

function cellsOf({ kind, key, cells }: RowDifference): string[][] {
  const named = Object.values(key)
    .map((value) => value ?? 'null')
    .join(', ');
  if (kind === 'missing') return [[named, '', 'there', 'missing']];
  if (kind === 'extra') return [[named, '', 'missing', 'there']];
  return cells.map((cell) => [named, cell.column, cell.from ?? 'null', cell.to ?? 'null']);
}
