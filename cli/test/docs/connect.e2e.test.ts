import { execFile, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { withWriteLock } from '../../src/warehouse/lock.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

// Most of it is the time to install clients.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const execute = promisify(execFile);
const effects = quietEffects({ env: { PATH: process.env.PATH } });

let paths: Paths;
let markdown: string;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'meetup-connect-'));
  paths = resolvePaths({}, { MEETUP_PROJECT_DIR: root }, root);
  symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  markdown = await readFile(join(projectRoot, 'docs/connect.md'), 'utf8');
  await rebuild();
});

afterAll(() => rm(paths.root, { recursive: true, force: true }));

/** Replaces the published database, as a build does. */
async function rebuild(): Promise<void> {
  await withWriteLock(paths, effects, async () => {
    await mkdir(join(paths.state, 'work'), { recursive: true });
    const work = await openWork(paths);
    await work.run('create schema if not exists marts');
    await work.run('create or replace table marts.dim_groups as select range as group_id from range(1429)');
    await work.close();
    await publish(paths);
  });
}

/** The code that the page shows in a language. */
function shown(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(markdown) ?? [];
  if (code === undefined) throw new Error(`docs/connect.md shows no ${language}`);
  return code.trim();
}

/** Runs a command in the project's folder, while builds replace the file. */
async function answer(command: string, args: readonly string[], PYTHONPATH = ''): Promise<string> {
  let isDone = false;
  const builds = (async () => {
    while (!isDone) await rebuild();
  })();
  try {
    const env = { ...process.env, NO_COLOR: '1', PYTHONPATH };
    return (await execute(command, [...args], { cwd: paths.root, env })).stdout;
  } finally {
    isDone = true;
    await builds;
  }
}

/** Packages of Python in a folder of their own. */
async function installed(...packages: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', folder];
  await execute('python3', [...install, ...packages]);
  return folder;
}

/** Why the driver for JDBC is not tried, if it isn't. */
const noMaven = ['mvn', 'javac'].every((command) => spawnSync(command, ['-version']).status === 0)
  ? undefined
  : 'Maven and a JDK are not installed, which fetch and compile what docs/connect.md shows for JDBC.';
if (noMaven !== undefined) process.stderr.write(`Skipped: ${noMaven}\n`);

const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');

describe('what docs/connect.md shows, while builds replace the database', () => {
  it("works in DuckDB's shell", async () => {
    const folder = await installed('duckdb-cli');
    const [command = '', ...rest] = shown('sh').split(' ');
    expect(command).toBe('duckdb');
    const sql = /"(.*)"/.exec(rest.join(' '))?.[1] ?? '';
    expect(await answer(join(folder, 'bin', command), [rest[0] ?? '', rest[1] ?? '', sql], folder)).toContain('1429');
  });

  it('works in Python', async () => {
    expect(await answer(join(toolchain, 'python/bin/python'), ['-c', shown('python')])).toBe('[(1429,)]\n');
  });

  it('works in Node', async () => {
    const file = join(paths.root, 'connect.mjs');
    await writeFile(file, shown('js'));
    expect(await answer(process.execPath, [file])).toContain("{ groups: '1429' }");
  });

  it('works in a notebook', async () => {
    const folder = await installed('nbclient', 'ipykernel', 'pandas');
    const run = [
      'import sys, nbclient, nbformat',
      'notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(sys.argv[1])])',
      "nbclient.NotebookClient(notebook, kernel_name='python3').execute()",
      "print(notebook.cells[0].outputs[0]['data']['text/plain'])",
    ].join('\n');
    const code = shown('python notebook');
    expect(await answer(join(toolchain, 'python/bin/python'), ['-c', run, code], folder)).toMatch(/groups\s+0\s+1429/);
  });

  it.skipIf(noMaven !== undefined)('works with JDBC', async () => {
    const folder = await temporaryFolder();
    const [version] = /\b1\.5\.\d+\.\d+\b/.exec(markdown) ?? [];
    const artifact = `-Dartifact=org.duckdb:duckdb_jdbc:${version}`;
    await execute('mvn', ['--batch-mode', '--quiet', 'dependency:copy', artifact, `-DoutputDirectory=${folder}`]);
    const file = join(folder, 'Connect.java');
    const main = 'public static void main(String[] given) throws Exception';
    await writeFile(file, `class Connect { ${main} {\n${shown('java')}\n} }\n`);
    const jar = join(folder, `duckdb_jdbc-${version}.jar`);
    expect(await answer('java', ['-cp', jar, file])).toBe('1429\n');
  });
});
