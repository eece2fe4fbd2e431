import type { TestReport } from '../commands/test.ts';
import type { Style } from '../text/style.ts';
import { formatDuration } from '../text/text.ts';
import { renderTest } from './test.ts';

/** One line for each model's fixtures, then the failures with their reasons, because vitest has not shown them. */
export function renderTestRemote(report: TestReport, style: Style): string {
  const lines = report.tests.map(({ name, status, ms }) => {
    const mark = status === 'pass' ? style.good('✔') : style.bad('✘');
    return `${mark} ${name.replace(/^.* > /, '')} ${style.dim(formatDuration(ms))}`;
  });
  const failures = report.tests.flatMap(({ message }) => (message === undefined ? [] : ['', style.bad(message)]));
  return [...lines, ...failures, renderTest(report, style)].join('\n');
}
