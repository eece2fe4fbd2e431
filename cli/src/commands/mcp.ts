import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { packageVersion } from '../config/version.ts';
import { addTools } from './mcp/tools.ts';

export interface McpOptions {
  readonly paths: Paths;
  /** Whether the assistant may build, which changes the local marts. */
  readonly allowBuild: boolean;
}

/**
 * Serves an assistant over stdin and stdout by the Model Context Protocol (https://modelcontextprotocol.io), until stdin ends or the
 * signal is aborted.
 */
export async function run({ paths, allowBuild }: McpOptions, effects: Effects): Promise<CommandResult<undefined>> {
  const server = new McpServer({ name: 'meetup', version: packageVersion() });
  addTools(server, { paths, effects, allowBuild });
  const ended = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    // The transport doesn't notice that the client has gone.
    process.stdin.once('end', resolve);
    effects.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.connect(new StdioServerTransport());
  await ended;
  await server.close();
  return { exitCode: 0, report: undefined };
}
