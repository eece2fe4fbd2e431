import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';
import { isPipelineTable } from '../../src/dashboard/data/pipeline.ts';
import { relationsIn } from '../../src/dashboard/data/relations.ts';
import { readPages } from '../../src/dashboard/page/read-pages.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';

const exposuresSchema = z.object({
  exposures: z.array(
    z.object({ name: z.string(), type: z.string(), url: z.string().optional(), depends_on: z.array(z.string()) }),
  ),
});

it('each page of the dashboard is an exposure with its address, and depends on exactly the marts that it reads', async () => {
  const text = await readFile(join(projectRoot, 'dbt/models/marts/exposures.yml'), 'utf8');
  const declared = exposuresSchema
    .parse(parse(text))
    .exposures.filter(({ type }) => type === 'dashboard')
    .map(({ url, depends_on }) => ({ url, depends_on: depends_on.toSorted() }));
  const warehouse = await DuckDbWarehouse.inMemory();
  onTestFinished(() => warehouse.close());
  const used = [];
  for (const { id, queries } of await readPages(join(projectRoot, 'dashboard'))) {
    const marts = new Set<string>();
    for (const { sql } of queries) {
      for (const { name } of await relationsIn(warehouse, sql)) if (!isPipelineTable(name)) marts.add(`ref('${name}')`);
    }
    // Pages about the pipeline alone are no exposure: dbt has nothing to say about them.
    if (marts.size > 0) used.push({ url: `http://127.0.0.1:4680/${id}.html`, depends_on: [...marts].sort() });
  }
  expect(declared).toEqual(used);
});
