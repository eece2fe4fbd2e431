import type { Metric, MetricReport } from '../commands/metrics.ts';
import type { Style } from '../text/style.ts';
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
