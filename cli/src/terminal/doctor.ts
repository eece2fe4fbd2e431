import type { DoctorReport } from '../commands/doctor.ts';
import type { Style } from '../text/style.ts';
import { plural } from '../text/text.ts';

/** One line per check; below warnings and failures, how to fix them. */
export function renderDoctor({ checks }: DoctorReport, style: Style): string {
  const marks = { ok: style.good('✔'), warn: style.caution('!'), fail: style.bad('✘') };
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, detail, fix }) => [
    `${marks[status]} ${style.bold(name.padEnd(width))}  ${detail}`,
    ...(fix === undefined ? [] : [`${' '.repeat(width + 4)}${style.accent('→')} ${fix}`]),
  ]);
  return [...lines, '', verdict(checks, style)].join('\n');
}

function verdict(checks: DoctorReport['checks'], style: Style): string {
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const warned = checks.filter(({ status }) => status === 'warn').length;
  if (failed > 0) return style.bad(`${plural(failed, 'check')} failed.`);
  if (warned > 0) return style.caution(`Ready, with ${plural(warned, 'warning')}.`);
  return style.good('Everything is fine.');
}
