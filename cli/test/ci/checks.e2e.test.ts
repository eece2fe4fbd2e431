import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Finding, findingsIn, type ReadProject, readProject } from '../../src/ci/checks/check.ts';
import type { CheckSettings } from '../../src/config/project/check-settings.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const files: Readonly<Record<string, string>> = {
  'models/models.yml': `
models:
  - name: numbers
    description: One row per number.
    columns: [{name: id, data_tests: [unique, not_null]}]
`,
  'models/staging/stg_people.sql':
    "select id, 'a@example.com' as email, 'x' as nick, 'y' as code from {{ ref('numbers') }}\n",
  'models/intermediate/int_sums.sql': "select id from {{ ref('people') }} union all select id from {{ ref('days') }}\n",
  'models/marts/core/days.sql': 'select 1 as id\n',
  'models/marts/people.sql':
    "select id, email, upper(email) as login, code as nick, 1 as email_count from {{ ref('stg_people') }}\n",
  'models/marts/people.yml': `
models:
  - name: stg_people
    description: Same as above.
    columns:
      - {name: email, config: {meta: {personal: true}}}
      - {name: nick, config: {meta: {personal: true}}}
  - name: people
    description: Everybody.
    access: public
    columns:
      - {name: id, description: Key.}
      - name: email
        description: Where to write to.
      - {name: nick, description: 'Chosen by them.', config: {meta: {personal: false}}}
exposures:
  - name: board
    type: dashboard
    owner: {name: Someone}
    depends_on: [ref('days')]
`,
};

let folder: string;
let project: TinyProject;
let read: ReadProject;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-checks-'));
  project = await tinyProject(folder, { raw: false });
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  read = await readProject(project.paths, quietEffects({ env: process.env }), { followsPersonal: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function findings(checks?: CheckSettings): Promise<readonly Finding[]> {
  const settings = { ...project.paths.settings, ...(checks === undefined ? {} : { checks }) };
  return (await findingsIn(read, { ...project.paths, settings })).findings;
}
const found = (all: readonly Finding[], rule: string): string[] =>
  all.filter((one) => one.rule === rule).map(({ name, column }) => (column === undefined ? name : `${name}.${column}`));

describe('ci --only checks', () => {
  it('warns of what a project without settings should know, and of nothing that is a matter of taste', async () => {
    const all = await findings();
    expect(new Set(all.map(({ severity }) => severity))).toEqual(new Set(['warn']));
    expect([...new Set(all.map(({ rule }) => rule))].sort()).toEqual([
      'contract',
      'descriptions',
      'key_test',
      'layers',
      'personal',
    ]);
  });

  it('finds what breaks each rule, by model and column', async () => {
    const all = await findings({
      descriptions: 'error',
      grain: 'error',
      columns: 'error',
      owner: { severity: 'error', exclude: ['stg_*', 'int_*', 'd*', 'total'] },
      unit_test: 'error',
      exposures: 'error',
      layers: { severity: 'error', shared: ['marts/core'] },
    });
    expect(found(all, 'descriptions').sort()).toEqual(['days', 'doubled', 'int_sums', 'stg_people', 'total']);
    expect(found(all, 'grain')).not.toContain('numbers');
    expect(found(all, 'grain')).toContain('people');
    expect(found(all, 'columns')).toEqual(expect.arrayContaining(['numbers.id', 'stg_people.email', 'total']));
    expect(found(all, 'columns')).not.toContain('people.email');
    expect(found(all, 'owner').sort()).toEqual(['numbers', 'people']);
    expect(found(all, 'key_test')).not.toContain('numbers');
    expect(found(all, 'key_test')).toContain('people');
    expect(found(all, 'unit_test')).toEqual(['people']);
    expect(found(all, 'contract')).toEqual(['people']);
    expect(found(all, 'exposures')).toEqual(['board']);
    expect(found(all, 'personal')).toEqual(['people.email', 'people.login']);
  });

  it('lets intermediate models read the marts that are shared, and only those', async () => {
    const messages = async (checks?: CheckSettings) =>
      (await findings(checks)).filter(({ rule }) => rule === 'layers').map(({ name, message }) => `${name} ${message}`);
    const stg = 'stg_people is a staging model that reads numbers: let it read only sources.';
    const sums = (mart: string) =>
      `int_sums is an intermediate model that reads the mart ${mart}: turn the two around.`;
    expect((await messages()).sort()).toEqual([sums('days'), sums('people'), stg]);
    expect((await messages({ layers: { shared: ['marts/core'] } })).sort()).toEqual([sums('people'), stg]);
  });

  it('points to the line of the column in the YAML file', async () => {
    const personal = (await findings()).find(({ rule }) => rule === 'personal');
    expect(personal).toMatchObject({ severity: 'warn', file: 'dbt/models/marts/people.yml', line: 13 });
    expect(personal?.message).toContain('from stg_people.email');
  });
});
