import type { Metric, MetricReport, ViewsReport } from '../commands/metrics.ts';
import type { Style } from '../text/style.ts';
import { plural } from '../text/text.ts';
import { renderQuery } from './query.ts';

/** Each metric with what it means, the models that it is computed from, and their owner. */
export function renderMetrics(metrics: readonly Metric[], { bold, dim }: Style): string {
  return metrics
    .map(({ name, label, description, models, owner }) =>
      [
        `${bold(name)}${label === null ? '' : `  ${label}`}`,
        ...(description === '' ? [] : [`  ${description}`]),
        dim(`  ${[models.join(', '), ...(owner === null ? [] : [owner])].join(' · ')}`),
      ].join('\n'),
    )
    .join('\n');
}

/** The values as a table, or the SQL alone, to be piped into a file. */
export function renderMetricReport({ sql, result }: MetricReport, style: Style): string {
  return result === undefined ? sql : renderQuery([result], style);
}

/** Where the metric views are, and which metrics have none. */
export function renderViews({ out, files, leftOut }: ViewsReport, { caution }: Style): string {
  return [
    `${plural(files.length, 'metric view')} written to ${out}`,
    ...leftOut.map(({ metric, reason }) => caution(`${metric} is left out: ${reason}`)),
  ].join('\n');
}
