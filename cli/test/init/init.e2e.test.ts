import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../../src/config/paths.ts';
import { temporaryFolder } from '../support/effects.ts';
import { runInProcess } from '../support/run-cli.ts';

const env = (folder: string) => ({
  HOME: folder,
  PATH: process.env.PATH ?? '',
  MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain'),
});
const meetup = (folder: string, ...argv: string[]) => runInProcess(argv, { cwd: folder, env: env(folder) });

const PEOPLE = [
  { person_id: 1, order: 3, at: '2026-01-02', tags: ['a'] },
  { person_id: 2, order: 1, at: '2026-01-03', tags: [] },
  { person_id: 3, order: 2, at: '2026-01-04', tags: ['b', 'c'] },
];

/** A folder with JSON files and a file of a tool. */
async function jsonFolder(): Promise<string> {
  const folder = join(await temporaryFolder(), 'My meetings');
  await mkdir(folder);
  await writeFile(join(folder, 'people.json'), JSON.stringify(PEOPLE));
  await writeFile(join(folder, 'notes.ndjson'), '{"text": "x"}\n{"text": "x"}\n');
  await writeFile(join(folder, 'package.json'), '{}');
  return folder;
}

describe('meetup init in a folder of JSON files', () => {
  it('shows what it would write, and writes nothing unless someone agrees', async () => {
    const folder = await jsonFolder();
    const { exitCode, stdout } = await meetup(folder, 'init');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('people.json moves to data/people.json');
    expect(stdout).toContain('+ dbt/models/staging/stg_people.sql');
    expect(stdout).toContain('Nothing was written.');
    expect((await readdir(folder)).sort()).toEqual(['notes.ndjson', 'package.json', 'people.json']);
  });

  it('writes a project that is green at once, whatever the columns are called', { timeout: 180_000 }, async () => {
    const folder = await jsonFolder();
    expect(await meetup(folder, 'init', '--yes')).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout } = await meetup(folder, 'dev', '--json');
    expect(exitCode, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'pass',
      load: { entities: { people: { loaded: 3 }, notes: { loaded: 2 } } },
      build: {
        tests: expect.arrayContaining([expect.objectContaining({ name: 'stg_people_keeps_one_version_of_each' })]),
      },
    });
    const queried = await meetup(
      folder,
      'query',
      '--json',
      'select person_id, "order" from stg_people order by "order"',
    );
    expect(JSON.parse(queried.stdout)).toEqual([
      { person_id: 2, order: 1 },
      { person_id: 3, order: 2 },
      { person_id: 1, order: 3 },
    ]);
    const out = join(folder, '.meetup/site');
    expect(await meetup(folder, 'dashboard', '--out', out)).toMatchObject({ exitCode: 0, stderr: '' });
    const data: unknown = JSON.parse(await readFile(join(out, 'data/overview.json'), 'utf8'));
    expect(data).toMatchObject({
      last_build: {
        rows: [[expect.any(String), 'pass', 'the first build', expect.any(Number), 2, expect.any(Number)]],
      },
      rows: { rows: expect.arrayContaining([[1, 3, '2026-01-02', ['a']]]) },
    });
    expect(await meetup(folder, 'init', '--yes')).toMatchObject({
      stdout: expect.stringContaining('Nothing to write'),
    });
  });

  it('makes a project around the folder that --data names', { timeout: 180_000 }, async () => {
    const folder = await jsonFolder();
    await mkdir(join(folder, 'exports/2026-01-05'), { recursive: true });
    await writeFile(join(folder, 'exports/2026-01-05/people.json'), JSON.stringify([{ ...PEOPLE[0], order: 9 }]));
    expect(await meetup(folder, 'init', '--data', 'exports', '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(join(folder, 'meetup.yml'), 'utf8')).toContain('data: exports\nschemas: exports/schemas\n');
    const { exitCode, stdout } = await meetup(folder, 'dev', '--json');
    expect(exitCode, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'pass', load: { entities: { people: { loaded: 4 } } } });
  });

  it('refuses data outside of the project', async () => {
    const folder = await jsonFolder();
    const { exitCode, stderr } = await meetup(folder, 'init', '--data', '..', '--yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`which is not a folder within ${folder}: choose one in it`);
    expect((await readdir(folder)).sort()).toEqual(['notes.ndjson', 'package.json', 'people.json']);
  });

  it("names every file that it can't use, before anything is written", async () => {
    const folder = await jsonFolder();
    await writeFile(join(folder, 'Broken one.json'), '[]');
    await writeFile(join(folder, 'broken.json'), '[{"a": 1},\n{"a": }]');
    await writeFile(join(folder, 'notes.json'), '[{"text": "y"}]');
    const before = (await readdir(folder)).sort();
    const { exitCode, stderr } = await meetup(folder, 'init', '--yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('3 problems with the files:');
    expect(stderr).toMatch(/Broken one\.json can't be loaded under its name: rename it/);
    expect(stderr).toMatch(/broken\.json is not JSON at line 2, in record 1/);
    expect(stderr).toMatch(/notes\.json and notes\.ndjson are all files of notes, and only one can be in /);
    expect((await readdir(folder)).sort()).toEqual(before);
  });

  it('infers the schemas from the folders of days too', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data/2026-01-02'), { recursive: true });
    await writeFile(join(folder, 'data/2026-01-02/people.json'), JSON.stringify(PEOPLE));
    const { exitCode, stdout } = await meetup(folder, 'init');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('people: a schema was inferred from 3 records.');
    expect(stdout).not.toContain('moves to');
  });

  it('is refused where there is nothing to begin with', async () => {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    const { exitCode, stderr } = await meetup(folder, 'init', '--yes');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/There is neither a dbt project nor a JSON file in /);
  });
});

describe('meetup init in a dbt project', () => {
  it('adds profiles with a DuckDB target, and changes nothing that is there', { timeout: 180_000 }, async () => {
    const folder = await temporaryFolder();
    await cp(join(projectRoot, 'cli/test/foreign/projects/clinic'), folder, { recursive: true });
    await rm(join(folder, 'profiles'), { recursive: true });
    const team = 'clinic: {target: dev, outputs: {dev: {type: databricks, schema: wards, host: x}}}\n';
    await writeFile(join(folder, 'profiles.yml'), team);
    await writeFile(join(folder, '.gitignore'), 'target/');
    const refused = await meetup(folder, 'dev');
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('of type databricks') });
    const { stdout } = await meetup(folder, 'init', '--yes', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'written',
      kind: 'dbt',
      found: expect.arrayContaining(['Its packages are vendor_calendar.']),
      files: [
        { path: 'profiles/profiles.yml' },
        { path: 'meetup.yml' },
        { path: '.gitignore', action: 'changed' },
        { path: 'dashboard/overview.md' },
        { path: '.github/workflows/meetup.yml' },
      ],
    });
    expect(await readFile(join(folder, 'profiles.yml'), 'utf8')).toBe(team);
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe('target/\n.meetup/\n');
    const profiles: unknown = parse(await readFile(join(folder, 'profiles/profiles.yml'), 'utf8'));
    expect(profiles).toMatchObject({ clinic: { outputs: { dev: { type: 'duckdb', schema: 'wards' } } } });
    const built = await meetup(folder, 'dev', '--json');
    expect(JSON.parse(built.stdout)).toMatchObject({ status: 'pass' });
  });
});
