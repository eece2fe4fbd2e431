import { resolve } from 'node:path';
import type { Cli } from '../declare.ts';

export const metrics = ({ program, io, run }: Cli) =>
  program
    .command('metrics')
    .argument('[names...]', 'metrics to ask for (default: list all)')
    .description('list the metrics of the dbt project, or ask for their values with MetricFlow')
    .option('--by <dimensions>', 'group by these, separated by commas: metric_time__month,group_id__city')
    .option('--where <filter>', "MetricFlow's filter: \"{{ Dimension('group_id__city') }} = 'Berlin'\"")
    .option('--limit <rows>', 'at most this many rows')
    .option('--sql', "print MetricFlow's SQL instead of running it")
    .option('--views <folder>', "write Databricks' metric views with the same definitions, as SQL")
    .option('--catalog <name>', 'the catalog for --views', 'main')
    .action((names, { by, where, limit, sql, views, catalog }) =>
      run(async (session) => {
        const command = await import('../../commands/metrics.ts');
        const { renderMetricReport, renderMetrics } = await import('../../terminal/metrics.ts');
        const { paths, effects } = session;
        if (views !== undefined) {
          const { renderViews } = await import('../../terminal/metrics.ts');
          const result = await command.writeViews({ paths, out: resolve(io.cwd, views), catalog }, effects);
          return session.finish(result, { text: renderViews, essential: true });
        }
        if (names.length === 0) {
          const { requireMetricName } = await import('../metric-options.ts');
          requireMetricName({ '--by': by, '--where': where, '--limit': limit, '--sql': sql });
          return session.finish(await command.list({ paths }, effects), { text: renderMetrics, essential: true });
        }
        const { parseLimit, parseNames } = await import('../metric-options.ts');
        const { queryRows } = await import('../../text/query-rows.ts');
        const question = {
          metrics: names,
          by: parseNames(by),
          where: where === undefined ? [] : [where],
          limit: parseLimit(limit),
        };
        const result = await command.ask({ ...question, paths, sqlOnly: sql === true }, effects);
        return session.finish(result, {
          text: renderMetricReport,
          json: ({ sql: asked, result: rows }) => (rows === undefined ? { sql: asked } : queryRows(rows)),
          essential: true,
        });
      }),
    );
