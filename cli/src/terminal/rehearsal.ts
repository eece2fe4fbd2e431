import type { RehearsalReport } from '../commands/rehearsal.ts';
import type { Style } from '../text/style.ts';

/** Whether the rehearsal is up, and how it is reached. */
export function renderRehearsal(report: RehearsalReport, style: Style): string {
  const took = style.dim(`(${(report.ms / 1000).toFixed(1)} s)`);
  if (report.status === 'down') {
    return report.changed ? `${style.good('✔')} The rehearsal is down ${took}` : 'The rehearsal is down.';
  }
  if (report.status === 'broken') {
    return `${style.bad('✘')} The rehearsal is running (${report.processes.join(', ')}) but does not answer: \`./meetup rehearsal up\` restarts it; ${report.logs.join(' and ')} show why.`;
  }
  const { connection } = report;
  const lines = [
    ['host', `${connection?.host} through the proxy ${connection?.proxyUrl}, or 127.0.0.1:${connection?.port}`],
    ['path', connection?.httpPath],
    ['token', `in ${connection?.tokenFile}`],
    ['trust', connection?.caFile],
    ['processes', report.processes.join(', ')],
  ].map(([name = '', value]) => `  ${style.dim(name.padEnd(10))}${value}`);
  const done = report.changed ? `is up ${took}` : `is up since ${report.startedAt}`;
  return [`${style.good('✔')} The rehearsal ${done}`, ...lines].join('\n');
}
