import type { Rows, Value } from './types.ts';

/** A column whose values are links, and the address for a row. */
export interface Link {
  readonly column: string;
  readonly addressOf: (row: readonly Value[]) => string;
}

/** Parses `column: page.html?input={other column}`. Values are encoded, and the page is one of the dashboard's. */
export function linkOf(text: string | undefined, { columns }: Rows): Link | undefined {
  const [, column, address] = /^(\w+):\s*([\w-]+\.html(?:\?\S*)?)$/.exec(text ?? '') ?? [];
  if (column === undefined || address === undefined) return undefined;
  const valueIn = (row: readonly Value[], name: string): Value =>
    row[columns.findIndex((one) => one.name === name)] ?? '';
  return {
    column,
    addressOf: (row) =>
      address.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(valueIn(row, name)))),
  };
}
