import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { readSettings } from '../../src/config/project/read-settings.ts';
import { settingsJsonSchema } from '../../src/config/project/settings.ts';
import { temporaryFolder } from '../support/effects.ts';

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporaryFolder();
  await mkdir(root, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

const pathsIn = (root: string, env: Record<string, string> = {}) =>
  resolvePaths({}, { HOME: root, MEETUP_PROJECT_DIR: root, ...env }, root);

describe('meetup.yml', () => {
  it.each([
    ['an unknown key', 'data: json\nshow: []\n', "2: there is no setting 'show': correct the name, or remove it."],
    ['an unknown nested key', 'dev:\n  shown: []\n', "2: there is no setting 'dev.shown'"],
    ['a value of the wrong type', 'data: x\npublic:\n  - a\n  - 7\n', '4: public.1: expected string, received number.'],
    ['a path with a null character', 'data: "\\0"\n', "1: data: a path can't contain a null character."],
    ['an unknown severity', 'checks:\n  contract: loud\n', '2: checks.contract: expected error, warn or off'],
    [
      'a limit below zero',
      'branch:\n  max_changed: -1\n',
      '2: branch.max_changed: must be a share such as 5%, or a number of rows.',
    ],
    [
      'a limit that is neither a share nor a number',
      'branch:\n  models:\n    fct_rsvps: {max_added: some}\n',
      '3: branch.models.fct_rsvps.max_added: must be a share such as 5%, or a number of rows.',
    ],
    ['an empty path', 'data: ""\n', '1: data: too small'],
    ['a list at the top level', '\n- data\n', '2: the file: expected object, received array.'],
    ['a duplicate key', 'data: a\ndata: b\n', '2: not valid YAML: Map keys must be unique.'],
    ['text that is not YAML', 'data: [a\n', '2: not valid YAML: '],
    [
      'a folder without a dbt project',
      'data: a\ndbt:\n  project: x\n',
      '3: dbt.project is x, but there is no dbt_proj',
    ],
    ['a folder without profiles', 'dbt: {profiles: x}\n', '1: dbt.profiles is x, but there is no profiles.yml in '],
    ['a missing SQL file', 'dev:\n  show:\n    - a.sql\n', '3: dev.show names a.sql, but there is no file '],
    ['a missing SQL file for warnings', 'dev: {warn: [a.sql]}\n', '1: dev.warn names a.sql, but there is no file '],
    ['a column without its table', 'personal:\n  email: true\n', '2: personal.email: '],
    [
      'a column that is not true or false',
      'personal:\n  users.email: maybe\n',
      '2: personal.users.email: expected boolean',
    ],
  ])('is rejected with file and line for %s', async (_what, text, message) => {
    const root = await folderWith({ 'meetup.yml': text });
    expect(() => readSettings(root)).toThrow(`${join(root, 'meetup.yml')}:${message}`);
  });

  it('may be empty', async () => {
    expect(readSettings(await folderWith({ 'meetup.yml': '# nothing\n' }))).toEqual({});
  });

  it('sets the paths of all parts of the project', async () => {
    const root = await folderWith({
      'etl/dbt_project.yml': 'name: shop\n',
      'conf/profiles.yml': '{}\n',
      'meetup.yml':
        'dbt: {project: etl, profiles: conf}\ndata: in\nschemas: contracts\nfixtures: etl/models/ut\nscenarios: stories\n',
    });
    expect(pathsIn(root)).toMatchObject({
      root,
      dbtProject: join(root, 'etl'),
      profiles: join(root, 'conf'),
      data: join(root, 'in'),
      schemas: join(root, 'contracts'),
      fixtures: join(root, 'etl/models/ut'),
      scenarios: join(root, 'stories'),
      state: join(root, '.meetup'),
    });
  });

  it('has a JSON Schema for editors in docs, which is up to date', () => {
    const documented: unknown = JSON.parse(readFileSync(join(projectRoot, 'docs/meetup.schema.json'), 'utf8'));
    expect(documented).toEqual(JSON.parse(JSON.stringify(settingsJsonSchema())));
  });

  it('of this repository is valid according to the JSON Schema', () => {
    const validate = new Ajv2020({ strict: true }).compile(settingsJsonSchema());
    expect(validate(parse(readFileSync(join(projectRoot, 'meetup.yml'), 'utf8')))).toBe(true);
    expect(validate({ show: [] })).toBe(false);
  });

  it('has every setting described in docs', () => {
    const docs = readFileSync(join(projectRoot, 'docs/meetup-yml.md'), 'utf8');
    const { properties } = settingsJsonSchema() as { properties: Record<string, unknown> };
    const missing = Object.keys(properties).filter((key) => !docs.includes(`\`${key}`));
    expect(missing).toEqual([]);
  });
});

describe('without meetup.yml', () => {
  it('a plain dbt project is found from any folder inside it, with its own profiles', async () => {
    const root = await folderWith({ 'dbt_project.yml': 'name: shop\n', 'profiles.yml': '{}', 'models/a/b.sql': '' });
    const paths = resolvePaths({}, { HOME: '/nowhere' }, join(root, 'models/a'));
    expect(paths).toMatchObject({
      root,
      dbtProject: root,
      profiles: root,
      fixtures: join(root, 'models/unit_tests'),
      data: join(root, 'data'),
      state: join(root, '.meetup'),
    });
  });

  it('unit tests are written to a folder that dbt searches', async () => {
    const root = await folderWith({ 'dbt_project.yml': 'name: shop\nmodel-paths: [transform, other]\n' });
    expect(pathsIn(root).fixtures).toBe(join(root, 'transform/unit_tests'));
  });

  it('a dbt project is found in a subfolder, if only one contains a project', async () => {
    const root = await folderWith({ 'warehouse/dbt_project.yml': 'name: shop\n' });
    expect(pathsIn(root).dbtProject).toBe(join(root, 'warehouse'));
  });

  it('a data folder with seeds is not used for JSON files', async () => {
    const root = await folderWith({ 'dbt_project.yml': 'name: shop\nseed-paths: [data]\n' });
    expect(pathsIn(root).data).toBe(join(root, 'json'));
  });

  it('profiles are found as dbt finds them: in DBT_PROFILES_DIR, the project or the home folder', async () => {
    const root = await folderWith({
      'dbt_project.yml': 'name: shop\n',
      '.dbt/profiles.yml': '',
      'ci/profiles.yml': '',
    });
    expect(pathsIn(root).profiles).toBe(join(root, '.dbt'));
    expect(pathsIn(root, { DBT_PROFILES_DIR: 'ci' }).profiles).toBe(join(root, 'ci'));
  });
});
