import type { LoadReport } from '../ingest/load.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { formatCount, formatDuration, plural } from '../text/text.ts';

/** What was loaded and rejected, and why a batch was refused. */
export function renderLoad(report: LoadReport, style: Style): string {
  const history = [...historyLines(report), ...forgottenLines(report)];
  const refused = report.batches.find(({ status }) => status === 'refused');
  if (report.status === 'unchanged' || report.batches.every(({ status }) => status === 'unchanged')) {
    return [...history, `Nothing new to load. ${style.dim(`(${formatDuration(report.ms)})`)}`].join('\n');
  }
  const loaded = report.batches.filter(({ status }) => status === 'loaded');
  const rows = Object.entries(report.entities).map(([name, { read, loaded: kept, rejected }]) => {
    return [name, formatCount(read), formatCount(kept), formatCount(rejected)];
  });
  const columns = [
    { name: 'entity' },
    ...['read', 'loaded', 'rejected'].map((name) => ({ name, align: 'right' as const })),
  ];
  const lines = [...history, renderTable(columns, rows, style)];
  const rejected = Object.values(report.entities).reduce((sum, counts) => sum + counts.rejected, 0);
  if (rejected > 0 && refused === undefined) {
    const example = loaded.flatMap((batch) => batch.examples).at(0);
    lines.push(
      style.caution(
        `${plural(rejected, 'record')} rejected: see raw.rejected_records${example ? ` (${example})` : ''}`,
      ),
    );
  }
  lines.push(style.dim(`${plural(loaded.length, 'batch', 'batches')} loaded in ${formatDuration(report.ms)}`));
  if (refused !== undefined) lines.push(style.bad(`Refused: ${refused.message}`));
  return lines.join('\n');
}

/** What was left out because it was forgotten. */
function forgottenLines({ batches }: LoadReport): string[] {
  const files = batches.filter(({ forgotten }) => forgotten > 0);
  return files.map(({ folder, forgotten }) => {
    const where = folder === '.' ? 'the data folder' : folder;
    return `Taken out of ${where} because it was forgotten: something in ${plural(forgotten, 'record')}.`;
  });
}

/** What --migrate and --retry-rejected did. */
function historyLines({ migrated = [], retried = {} }: LoadReport): string[] {
  const tables = migrated.map(({ entity, retyped, rejected }) => {
    const columns = retyped.length === 0 ? '' : `, retyped ${retyped.join(', ')}`;
    return `Migrated raw.${entity}: ${plural(rejected, 'record')} rejected${columns}.`;
  });
  const records = Object.entries(retried).map(
    ([entity, { loaded, rejected }]) =>
      `Retried ${entity}: ${plural(loaded, 'record')} loaded, ${formatCount(rejected)} still rejected.`,
  );
  const hasLate = Object.values(retried).some(({ loaded }) => loaded > 0);
  const advice =
    hasLate || tables.length > 0 ? ['Incremental models that only read new batches need `build --full-refresh`.'] : [];
  return [...tables, ...records, ...advice];
}
