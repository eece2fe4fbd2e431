import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { declaredBreaks } from '../../src/deploy/plan/declared-breaks.ts';
import { breakSentence } from '../../src/text/contract-break.ts';
import { temporaryFolder } from '../support/effects.ts';

const NOW = new Date('2026-11-29');

interface Described {
  readonly access?: string;
  readonly columns?: Readonly<Record<string, string>>;
  readonly enforced?: boolean;
  readonly deprecated?: string;
  readonly version?: number;
  readonly reads?: readonly string[];
}

const model = (
  name: string,
  { access = 'public', columns = {}, enforced = true, deprecated, version, reads = [] }: Described,
) => ({
  unique_id: `model.p.${name}${version === undefined ? '' : `.v${version}`}`,
  resource_type: 'model',
  name,
  version,
  schema: 'marts',
  access,
  deprecation_date: deprecated ?? null,
  config: { contract: { enforced } },
  columns: Object.fromEntries(
    Object.entries(columns).map(([column, data_type]) => [column, { name: column, data_type }]),
  ),
  depends_on: { nodes: reads },
});
type Model = ReturnType<typeof model>;

const reader = model('report', { access: 'protected', reads: ['model.p.sales'] });
const exposures = {
  'exposure.p.board': {
    name: 'board',
    url: 'https://example.com',
    owner: { name: 'Sales' },
    depends_on: { nodes: ['model.p.sales'] },
  },
};
const needs = (...nodes: string[]) => ({ depends_on: { nodes } });
const semantic_models = { 'semantic_model.p.sales': needs('model.p.sales') };
const metrics = {
  'metric.p.revenue': { name: 'revenue', ...needs('semantic_model.p.sales') },
  'metric.p.margin': { name: 'margin', ...needs('metric.p.revenue') },
  'metric.p.other': { name: 'other', ...needs('semantic_model.p.other') },
};

/** The sentences about what a deployment of `now` takes from readers of `before`. */
async function breaks(before: readonly Model[], now: readonly Model[]): Promise<string[]> {
  const folder = await temporaryFolder();
  const write = async (name: string, models: readonly Model[]): Promise<string> => {
    await mkdir(join(folder, name));
    const file = join(folder, name, 'manifest.json');
    const nodes = Object.fromEntries(models.map((one) => [one.unique_id, one]));
    await writeFile(file, JSON.stringify({ nodes, exposures, metrics, semantic_models }));
    return file;
  };
  await write('deployed', before);
  const current = await write('current', now);
  const paths = resolvePaths({}, { MEETUP_PROJECT_DIR: folder }, folder);
  return (await declaredBreaks(join(folder, 'deployed'), current, paths, NOW)).map(breakSentence);
}

const sales = (columns: Record<string, string>): Model => model('sales', { columns });

describe('what a deployment takes from the readers of public models', () => {
  it('is a dropped or retyped column of an enforced contract, with who reads the model', async () => {
    const before = [sales({ id: 'bigint', city: 'string', amount: 'double' }), reader];
    expect(await breaks(before, [sales({ ID: 'BIGINT', amount: 'int', added: 'int' }), reader])).toEqual([
      'sales.city was dropped. Read by report, board (Sales), metric revenue, metric margin.',
      'sales.amount was retyped from double to int. Read by report, board (Sales), metric revenue, metric margin.',
    ]);
  });

  it('is a removed model', async () => {
    expect(await breaks([sales({}), model('old', {})], [sales({})])).toEqual([
      'old was removed. Nothing in the project reads it.',
    ]);
  });

  it('is not a model whose deprecation date has passed, but one whose date has not', async () => {
    const old = (version: number, deprecated: string): Model => model('old', { version, deprecated });
    expect(await breaks([old(1, '2026-01-01'), old(2, '2027-01-01')], [])).toEqual([
      'old.v2 was removed. Nothing in the project reads it.',
    ]);
  });

  it('is nothing of models that are not public, and no column without an enforced contract', async () => {
    const hidden = model('hidden', { access: 'private', columns: { id: 'int' } });
    const loose = (columns: Record<string, string>): Model => model('loose', { columns, enforced: false });
    expect(await breaks([hidden, loose({ id: 'int' })], [loose({})])).toEqual([]);
  });

  it('is nothing before the first deployment', async () => {
    const paths = resolvePaths({}, {}, process.cwd());
    expect(await declaredBreaks(undefined, '/nowhere', paths, NOW)).toEqual([]);
  });
});
