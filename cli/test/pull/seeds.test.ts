import { describe, expect, it } from 'vitest';
import { parseKeys } from '../../src/pull/choice.ts';
import type { Relations } from '../../src/pull/references.ts';
import { seedsOf } from '../../src/pull/seeds.ts';
import type { SourceTable } from '../../src/pull/source-tables.ts';

const table = (name: string, columns: readonly string[]): SourceTable => ({
  id: `source.${name}`,
  name,
  place: name,
  schema: name.split('.')[0] ?? '',
  table: name.split('.')[1] ?? '',
  columns: new Map(columns.map((column) => [column.toLowerCase(), 'bigint'])),
  brought: columns.map((column) => ({ name: column, from: 'bigint', type: 'BIGINT' })),
  left: [],
});
const tables = [
  table('shop.orders', ['id', 'Customer_Id']),
  table('crm.orders', ['id']),
  table('crm.customers', ['Customer_Id']),
];
const relations: Relations = {
  keys: new Map([
    ['source.shop.orders', new Set(['id'])],
    ['source.crm.orders', new Set(['id'])],
  ]),
  references: [
    { child: 'source.shop.orders', path: ['Customer_Id'], parent: 'source.crm.customers', column: 'Customer_Id' },
  ],
};
const seeds = (text: string): string[] =>
  seedsOf(parseKeys(text), tables, relations).map((seed) => `${seed.table}.${seed.column}`);

describe('the tables in which a choice begins', () => {
  it('are all that have the column, if it identifies the rows of one at most', () => {
    expect(seeds('customer_id=1')).toEqual(['source.shop.orders.Customer_Id', 'source.crm.customers.Customer_Id']);
  });

  it('are the one that is named with the column', () => {
    expect(seeds('crm.orders.id=1')).toEqual(['source.crm.orders.id']);
  });

  it.each(['id', 'orders.id'])('must be named if %s is a key of several', (key) => {
    expect(() => seeds(`${key}=1`)).toThrow(
      `${key} is a key of shop.orders and of crm.orders: name the table too, such as shop.orders.id.`,
    );
  });

  it('are suggested if no table has the column', () => {
    expect(() => seeds('name=Ann')).toThrow(
      'No source has a column name: known keys are shop.orders.id, crm.orders.id, crm.customers.Customer_Id.',
    );
  });
});
