import type { GenerateReport } from '../generate/data-set.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../text/text.ts';

/** Most drops to name one by one. */
const MOST_DROPS = 7;

/** Renders what was written. */
export function renderGenerate(report: GenerateReport, style: Style): string {
  const { records, drops } = report;
  const options = `scale ${report.scale}, seed ${report.seed}`;
  if (report.status === 'unchanged') {
    return `${style.good('Unchanged')}: ${report.out} already contains exactly this data set (${options}).`;
  }
  const lines = [
    `${style.good('Generated')} ${formatBytes(report.bytes)} in ${report.out} (${options}) in ${formatDuration(report.ms)}.`,
    `  groups.json  ${plural(records.groups, 'group')}`,
    `  users.json   ${plural(records.users, 'member')} with ${plural(report.memberships, 'membership')}`,
    `  events.json  ${plural(records.events, 'event')} with ${plural(report.rsvps, 'RSVP')}`,
    `  venues.json  ${plural(records.venues, 'venue')}`,
  ];
  if (drops.length === 0) return lines.join('\n');
  const rows = drops
    .slice(0, MOST_DROPS)
    .map(({ folder, records: day }) => [folder, ...[day.groups, day.users, day.events, day.venues].map(cell)]);
  const names = ['drop', 'groups', 'users', 'events', 'venues'];
  lines.push(
    '',
    renderTable(
      names.map((name, i) => ({ name, align: i === 0 ? 'left' : 'right' })),
      rows,
      style,
    ),
  );
  const more = drops.length - rows.length;
  if (more > 0) lines.push(style.dim(`and ${formatCount(more)} more ${more === 1 ? 'day' : 'days'}`));
  return lines.join('\n');
}

/** A file that the drop doesn't have is shown as a dash. */
function cell(count: number | undefined): string {
  return count === undefined ? '–' : formatCount(count);
}
