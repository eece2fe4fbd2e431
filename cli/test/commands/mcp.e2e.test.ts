import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { run as build } from '../../src/commands/build.ts';
import { projectRoot } from '../../src/config/paths.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { numbersSql, type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { warmEngine } from '../support/warm-engine.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let folder: string;
let project: TinyProject;
let sharedEngine: EngineClient;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-mcp-'));
  project = await tinyProject(folder);
  const effects = quietEffects({ env: { PATH: process.env.PATH } });
  // Stands in for a running `dev --watch`, whose engine the tools share.
  sharedEngine = await warmEngine(project.paths, effects);
  await build({ paths: project.paths, target: 'dev' }, effects);
  client = await connected();
});

afterAll(async () => {
  await client?.close();
  await sharedEngine?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The real command line, as an assistant starts it. */
async function connected(...options: string[]): Promise<Client> {
  const { root, state, toolchain } = project.paths;
  const made = new Client({ name: 'test', version: '1' });
  await made.connect(
    new StdioClientTransport({
      command: join(projectRoot, 'meetup'),
      args: ['mcp', '--state-dir', state, ...options],
      env: { PATH: process.env.PATH ?? '', MEETUP_PROJECT_DIR: root, MEETUP_TOOLCHAIN_DIR: toolchain, HOME: folder },
      stderr: 'ignore',
    }),
  );
  return made;
}

const answerSchema = z.object({
  isError: z.boolean().optional(),
  content: z.tuple([z.object({ type: z.literal('text'), text: z.string() })]),
});

async function call(name: string, input: Record<string, unknown> = {}): Promise<{ isError: boolean; text: string }> {
  const { isError = false, content } = answerSchema.parse(await client.callTool({ name, arguments: input }));
  return { isError, text: content[0].text };
}
const json = async (name: string, input?: Record<string, unknown>): Promise<unknown> =>
  JSON.parse((await call(name, input)).text);

describe('meetup mcp', () => {
  it('offers tools that only read, and build only if it is allowed', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['query', 'models', 'failures', 'impact', 'run_fixtures']);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    const allowed = await connected('--allow-build');
    const names = (await allowed.listTools()).tools.map(({ name }) => name);
    await allowed.close();
    expect(names).toContain('build');
  });

  it('answers queries, and refuses to write', async () => {
    expect(await json('query', { sql: 'select total from total; select id from numbers order by id limit 1' })).toEqual(
      [
        { rowCount: 1, rows: [{ total: 200 }] },
        { rowCount: 1, rows: [{ id: 0 }] },
      ],
    );
    const refused = await call('query', { sql: 'drop table total' });
    expect(refused).toMatchObject({ isError: true, text: expect.stringMatching(/read-only/) });
  });

  it('returns at most 200 rows of a statement, and how many there are', async () => {
    const [result] = z
      .tuple([z.object({ rowCount: z.number(), rows: z.array(z.unknown()) })])
      .parse(await json('query', { sql: 'select * from range(1000)' }));
    expect([result.rowCount, result.rows.length]).toEqual([1000, 200]);
  });

  it('runs the fixtures of a model', async () => {
    expect(await json('run_fixtures', { select: 'doubles' })).toMatchObject({
      status: 'pass',
      tests: [{ name: expect.stringContaining('doubles'), status: 'pass' }],
    });
  });

  it('tells what a change reaches', async () => {
    expect(await json('impact', { of: 'numbers.amount' })).toMatchObject({
      of: { name: 'numbers', column: 'amount' },
      models: [
        { name: 'doubled', columns: ['amount'] },
        { name: 'total', columns: ['total'] },
      ],
    });
    expect(await call('impact', { of: 'nothing' })).toMatchObject({
      isError: true,
      text: expect.stringContaining("No model, seed or source is named 'nothing'"),
    });
  });

  it('knows what the last build did, and what fails with file and rows', async () => {
    expect(await json('models', { name: 'doubled' })).toMatchObject({
      lastBuild: { status: 'pass' },
      nodes: expect.arrayContaining([expect.objectContaining({ name: 'doubled', kind: 'model', status: 'pass' })]),
    });
    expect(await json('failures')).toEqual([]);
    await project.write('models/numbers.sql', numbersSql.replace('id,', 'nullif(id, 3) as id,'));
    await build({ paths: project.paths, target: 'dev' }, quietEffects({ env: { PATH: process.env.PATH } }));
    expect(await json('failures')).toMatchObject([
      {
        name: 'not_null_numbers_id',
        failures: 1,
        failure: { file: 'models/models.yml', line: expect.any(Number), sample: { columns: ['id'], rows: [[null]] } },
      },
    ]);
  });
});
