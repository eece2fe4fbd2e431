import type { CleanReport } from '../commands/clean.ts';
import type { Style } from '../text/style.ts';
import { formatBytes } from '../text/text.ts';

/** Renders what was removed, largest first, and how much that freed. */
export function renderClean(report: CleanReport, style: Style): string {
  const kept = report.kept.map(({ path, why }) => `Left in place: ${path} (${why}).`);
  if (report.status === 'nothing') return ['Nothing to remove.', ...kept].join('\n');
  const largest = [...report.removed].sort((a, b) => b.bytes - a.bytes);
  const lines = largest.map(({ path, bytes }) => `  ${style.dim(formatBytes(bytes).padStart(10))}  ${path}`);
  return ['Removed', ...lines, `${style.good('✔')} ${formatBytes(report.freedBytes)} freed.`, ...kept].join('\n');
}
