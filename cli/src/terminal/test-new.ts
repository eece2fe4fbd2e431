import type { TestNewReport } from '../commands/test-new.ts';
import type { Style } from '../text/style.ts';
import { formatDuration } from '../text/text.ts';

/** Renders the written file and its content. */
export function renderTestNew(report: TestNewReport, style: Style): string {
  const given = report.given.map(({ input, rows }) => `  ${String(rows).padStart(4)}  ${input}`);
  const others = report.expected - report.chosen;
  return [
    `${style.good(report.file)} ${style.dim(`in ${formatDuration(report.ms)}`)}`,
    'given',
    ...given,
    `expected`,
    `  ${String(report.expected).padStart(4)}  ${report.expected === 1 ? 'row' : 'rows'}${others > 0 ? ` (${others} more than chosen, from the same inputs)` : ''}`,
    ...(report.matching > report.chosen
      ? [style.dim(`The first of ${report.matching} matching rows were used: narrow them with --where or --from-key.`)]
      : []),
    ...(report.nearness === 'same'
      ? []
      : [
          style.dim(
            'The chosen rows depend on all of the data, so the fixture holds similar rows made from a few: narrow the selection for an exact one.',
          ),
        ]),
    ...report.kept.map((kept) => style.dim(renderKept(kept))),
    'The test passes. Describe the rule that it shows in its description.',
  ].join('\n');
}

function renderKept({ where, why, values }: TestNewReport['kept'][number]): string {
  const named = values.length === 0 ? '' : ` ${values.map((value) => `'${value}'`).join(', ')}`;
  return `Kept ${where}${named}: ${why}.`;
}
