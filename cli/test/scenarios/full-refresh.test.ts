import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FullRefresh, type Recipe } from '../../src/scenarios/full-refresh.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

const recipe: Recipe = {
  schemas: ['raw', 'intermediate', 'marts'],
  models: [
    model('pairs', 'intermediate', 'create or replace table intermediate.pairs as (select n from raw.numbers)'),
    model(
      'overlap',
      'marts',
      'create or replace view marts.overlap as (select n from meetup.intermediate.pairs)',
      true,
    ),
  ],
};

function model(name: string, schema: string, statement: string, isView = false): Recipe['models'][number] {
  return { uniqueId: `model.shop.${name}`, name, schema, isView, statement };
}

/** A working database whose table `pairs` was built incrementally, with these rows, under a view. */
async function builtWith(rows: string): Promise<string> {
  const path = join(await temporaryFolder(), 'meetup.duckdb');
  const work = await DuckDbWarehouse.open(path, { readOnly: false });
  for (const schema of recipe.schemas) await work.run(`create schema ${schema}`);
  await work.run('create table raw.numbers as select unnest([1, 2]) as n');
  await work.run(`create table intermediate.pairs as select unnest(${rows}) as n`);
  await work.run('create view marts.overlap as select n from meetup.intermediate.pairs');
  await work.close();
  return path;
}

async function driftOf(path: string) {
  const full = await FullRefresh.open(recipe);
  onTestFinished(() => full.close());
  await full.takeRaw(path);
  return full.besideViews(
    path,
    () => true,
    async (warehouse, catalogOf) => ({
      drifts: (await full.findDrift(['marts'], catalogOf)).map(({ mart }) => mart),
      rows: (await warehouse.query(`select n from ${catalogOf('overlap')}.marts.overlap order by n`)).rows.flat(),
    }),
  );
}

describe('a mart that is a view', () => {
  it('is compared with the rows of the built tables that it reads, not with those of the full refresh', async () => {
    expect(await driftOf(await builtWith('[1, 3]'))).toEqual({ drifts: ['overlap'], rows: [1, 3] });
  });

  it('does not differ if they are equal', async () => {
    expect(await driftOf(await builtWith('[2, 1]'))).toEqual({ drifts: [], rows: [1, 2] });
  });
});
