import type { InitReport } from '../commands/init.ts';
import type { InitPlan, PlannedFile } from '../init/planned-file.ts';
import type { Style } from '../text/style.ts';
import { plural } from '../text/text.ts';

/** Longer texts are only counted. */
const MOST_LINES = 60;

/** What was found, and every file that would be written. */
export function renderInitPlan({ found, files }: InitPlan, style: Style): string {
  return [...found, '', ...files.flatMap((file) => renderFile(file, style))].join('\n');
}

function renderFile({ path, action, text = '', from }: PlannedFile, style: Style): string[] {
  if (from !== undefined) return [`${style.accent('→')} ${style.bold(from)} moves to ${style.bold(path)}`, ''];
  const lines = text.trimEnd().split('\n');
  const title = `${style.good(action === 'new' ? '+' : '~')} ${style.bold(path)}`;
  if (lines.length > MOST_LINES || path.endsWith('.schema.json')) {
    return [`${title} ${style.dim(`(${plural(lines.length, 'line')})`)}`, ''];
  }
  return [title, ...lines.map((line) => style.dim(line === '' ? '' : `    ${line}`)), ''];
}

/** What `init` did, and how to go on. */
export function renderInit(report: InitReport, style: Style): string {
  if (report.status === 'unchanged') return `${style.good('Nothing to write')}: the project is set up.`;
  if (report.status === 'planned') {
    return `${renderInitPlan(report, style)}\n${style.caution('Nothing was written.')} \`./meetup init --yes\` writes these files.`;
  }
  return `${style.good(`${plural(report.files.length, 'file')} written.`)} Go on with ${style.bold('./meetup dev --watch')}.`;
}
