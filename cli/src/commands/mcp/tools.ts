import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { Effects } from '../../config/effects.ts';
import { sentenceOf } from '../../config/explain.ts';
import { DEFAULT_MAX_REJECTED } from '../../config/options.ts';
import type { Paths } from '../../config/paths.ts';
import { type LastRun, readBuildLog } from '../../engine/build-log.ts';
import { queryRows } from '../../text/query-rows.ts';
import { run as dev } from '../dev.ts';
import { run as impact } from '../impact.ts';
import { run as query } from '../query.ts';
import { run as test } from '../test.ts';

/** The most rows that `query` returns per statement: an assistant reads all of them. */
const MOST_ROWS = 200;

export interface ToolsContext {
  readonly paths: Paths;
  readonly effects: Effects;
  /** Whether tools may build, which changes the local marts. */
  readonly allowBuild: boolean;
}

/** Adds the tools to a server. Each one is a command of the command line, with the same function behind it. */
export function addTools(server: McpServer, context: ToolsContext): void {
  const { paths, effects } = context;
  const reads = { readOnlyHint: true, openWorldHint: false };
  server.registerTool(
    'query',
    {
      title: 'Query the marts',
      description: `Runs read-only DuckDB SQL on the local marts, as \`meetup query\` does. At most ${MOST_ROWS} rows per statement are returned: aggregate, or use limit.`,
      inputSchema: { sql: z.string().describe('One statement or several, separated by semicolons.') },
      annotations: reads,
    },
    ({ sql }) =>
      answer(async () => {
        const { report } = await query({ paths, sql }, effects);
        return report.map((result) => {
          const rows = queryRows({ ...result, rows: result.rows.slice(0, MOST_ROWS) });
          return { rowCount: result.rows.length, rows };
        });
      }),
  );
  server.registerTool(
    'models',
    {
      title: 'State of models and tests',
      description:
        'The last build and why it ran, and the last run of each model and test: status, time, rows. Reads what builds recorded, and builds nothing.',
      inputSchema: { name: z.string().optional().describe('Only nodes whose name contains this text.') },
      annotations: reads,
    },
    ({ name = '' }) =>
      answer(async () => {
        const { builds, nodes } = await readBuildLog(paths);
        const found = Object.values(nodes).filter((node) => node.name.includes(name));
        return { lastBuild: builds[0] ?? null, nodes: found.map(withoutFailure) };
      }),
  );
  server.registerTool(
    'failures',
    {
      title: 'What fails, with rows',
      description:
        'The models and tests that failed at their last run: why, file and line, and a sample of the rows that a data test found.',
      inputSchema: {},
      annotations: reads,
    },
    () =>
      answer(async () => {
        const { nodes } = await readBuildLog(paths);
        return Object.values(nodes).filter(({ status }) => status === 'fail');
      }),
  );
  server.registerTool(
    'impact',
    {
      title: 'What a change can alter',
      description:
        'What feeds a model or a column, and every model, exposure, saved query and test that a change of it can alter, from the compiled SQL.',
      inputSchema: { of: z.string().describe('model, model.column, source.table or source.table.column') },
      annotations: reads,
    },
    ({ of }) => answer(async () => (await impact({ paths, of }, effects)).report),
  );
  server.registerTool(
    'run_fixtures',
    {
      title: 'Run fixtures',
      description: "Runs dbt's unit tests in memory, which changes nothing, and returns each verdict.",
      inputSchema: {
        select: z.string().optional().describe('Only tests whose name contains this text, such as a model.'),
      },
      annotations: reads,
    },
    ({ select }) =>
      answer(async () => {
        const selected = select === undefined ? {} : { select: [escaped(select)] };
        const { report } = await test({ paths, all: false, only: 'fixtures', ...selected }, effects);
        return { ...report, tests: report.tests.filter(({ status }) => status !== 'skip') };
      }),
  );
  if (!context.allowBuild) return;
  server.registerTool(
    'build',
    {
      title: 'Load, build and test',
      description:
        'Loads new files, builds what is out of date and runs its tests, as `meetup dev` does. Changes the local marts.',
      inputSchema: {},
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
    },
    () =>
      answer(async () => {
        const options = {
          paths,
          maxRejected: DEFAULT_MAX_REJECTED,
          fullRefresh: false,
          generates: false,
          summarizes: false,
        };
        return (await dev(options, effects)).report;
      }),
  );
}

const withoutFailure = ({ failure: _, ...run }: LastRun): Omit<LastRun, 'failure'> => run;

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A tool's result: JSON as text, or the same sentence that the command line would print. */
async function answer(work: () => Promise<unknown>) {
  try {
    const text = JSON.stringify(await work(), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    return { content: [{ type: 'text' as const, text }] };
  } catch (error) {
    return { content: [{ type: 'text' as const, text: sentenceOf(error) }], isError: true };
  }
}
