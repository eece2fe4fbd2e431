import { describe, expect, it } from 'vitest';
import { contractOf, newAjv } from '../../src/ingest/schemas.ts';
import { fixtureYml, stagingSql, stagingYml } from '../../src/init/staging.ts';

const properties = { 'a"b': { type: 'integer' }, 'x{{y}}': { type: 'string' }, 'it`s': {}, 'naam ☕': {}, order: {} };
const contract = contractOf({ type: 'object', properties, required: ['a"b'], 'x-meetup': { key: ['a"b'] } }, newAjv());

describe('the staging model of a new project', () => {
  it('leaves out columns that dbt can not name, also as its key', () => {
    const sql = stagingSql('odd', contract, 'data/schemas');
    expect(sql).toContain("    {{ adapter.quote('naam ☕') }},\n    {{ adapter.quote('order') }}\nfrom");
    expect(sql).not.toMatch(/a"b|x\{\{y|it`s|partition by/);
    const contracts = new Map([['odd', contract]]);
    expect(stagingYml(contracts) + fixtureYml('odd', contract)).not.toMatch(/a"b|x\{\{y/);
  });
});
