import type { TestReport } from '../commands/test.ts';
import type { Style } from '../text/style.ts';
import { formatDuration } from '../text/text.ts';

/** One closing line: vitest's reporter has shown the rest. */
export function renderTest(report: TestReport, style: Style): string {
  const count = (status: string): number => report.tests.filter((test) => test.status === status).length;
  const skipped = count('skip');
  const line = `${count('pass')} passed, ${count('fail')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  const shown = report.status === 'pass' ? style.good(line) : style.bad(line);
  return `${style.dim(`in ${formatDuration(report.ms)}`)}\n${shown}`;
}
