import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { summarizeMarts } from '../../src/commands/summary.ts';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { temporaryFolder } from '../support/effects.ts';

/** A project with these files and a published table. */
async function project(files: Readonly<Record<string, string>>): Promise<Paths> {
  const root = await temporaryFolder();
  await mkdir(root, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  const paths = resolvePaths({}, { MEETUP_PROJECT_DIR: root }, root);
  const work = await openWork(paths);
  await work.run('create schema shop');
  await work.run('create table shop.orders as select 1 as id union all select 2');
  await work.close();
  await publish(paths);
  return paths;
}

describe('the summary of dev', () => {
  it('shows the results of the SQL files in meetup.yml in order, each with its first comment as a title', async () => {
    const paths = await project({
      'meetup.yml': 'public: [shop]\ndev: {show: [orders.sql, count.sql], warn: [late.sql]}\n',
      'orders.sql': '-- All orders\nselect id from orders order by id',
      'count.sql': 'select count(*) as orders from shop.orders',
      'late.sql': "select 'Order ' || id || ' is late.' from orders where id = 2",
    });
    expect(await summarizeMarts(paths)).toMatchObject({
      warnings: ['Order 2 is late.'],
      shown: [
        { title: 'All orders', file: 'orders.sql', rows: [[1], [2]] },
        { title: 'count', file: 'count.sql', rows: [[2]] },
      ],
    });
  });

  it('is empty without meetup.yml', async () => {
    expect(await summarizeMarts(await project({}))).toBeUndefined();
  });

  it.each([
    ['a table that does not exist', 'select * from nowhere', /meetup\.yml:4: b\.sql can't be shown: .*nowhere/],
    ['a statement that writes', 'drop table shop.orders', /meetup\.yml:4: b\.sql can't be shown: /],
  ])('is an error with the line in meetup.yml for %s', async (_what, sql, message) => {
    const paths = await project({
      'meetup.yml': 'dev:\n  show:\n    - a.sql\n    - b.sql\n',
      'a.sql': 'select 1',
      'b.sql': sql,
    });
    await expect(summarizeMarts(paths)).rejects.toThrow(message);
  });
});
