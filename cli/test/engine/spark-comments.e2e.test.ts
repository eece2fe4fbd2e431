import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineClient } from '../../src/engine/client.ts';
import { quietEffects } from '../support/effects.ts';
import { engineOn, type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let folder: string;
let project: TinyProject;
let engine: EngineClient;

/** Texts that a description may contain, and how Spark SQL writes them. */
const texts: readonly (readonly [name: string, text: string, literal: string])[] = [
  ['quote', "it's", String.raw`'it\'s'`],
  ['backslash_and_quote', String.raw`it\'s`, String.raw`'it\\\'s'`],
  ['two_backslashes_and_quote', String.raw`it\\'s`, String.raw`'it\\\\\'s'`],
  ['letter_after_a_backslash', String.raw`C:\new`, String.raw`'C:\\new'`],
  ['backslash_at_the_end', 'ends \\', String.raw`'ends \\'`],
];

const PROFILES = `
tiny:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') }}", schema: main, threads: 2}
    spark: {type: databricks, catalog: c, schema: s, host: localhost, http_path: /x, token: none, threads: 1}
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-comments-'));
  project = await tinyProject(folder, { raw: false });
  await project.write('../profiles/profiles.yml', PROFILES);
  // Renders the real macros for the target, without connecting to it.
  const columns = '{{ get_column_comment_sql("id", model.columns) }}';
  const described = texts.map(([name, text]) => {
    const description = `description: '${text.replaceAll("'", "''")}'`;
    return `  - {name: ${name}, ${description}, columns: [{name: id, ${description}}]}`;
  });
  for (const [name] of texts) {
    await project.write(
      `models/${name}.sql`,
      `{{ config(persist_docs={'relation': true, 'columns': true}) }}{{ databricks__comment_clause() }} ${columns}\n`,
    );
  }
  await project.write('models/described.yml', `models:\n${described.join('\n')}\n`);
  engine = engineOn(project, quietEffects());
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a description that is persisted on Spark', () => {
  it('is one correctly escaped string literal, whatever quotes and backslashes it contains', async () => {
    const answer = await engine.compile({ target: 'spark', select: texts.map(([name]) => name) });
    expect(answer.problems).toEqual([]);
    for (const [name, , literal] of texts) {
      const sql = await readFile(join(project.paths.dbtTarget, 'compiled', 'tiny', 'models', `${name}.sql`), 'utf8');
      expect(sql.replaceAll(/\s+/g, ' ').trim()).toBe(`comment ${literal} \`id\` comment ${literal}`);
    }
  });
});
