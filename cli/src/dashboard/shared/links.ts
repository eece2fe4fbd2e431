import type { Rows, Value } from './types.ts';

/** A column whose values are links, and the address for a row. */
export interface Link {
  readonly column: string;
  /** Undefined if a value that the address needs is missing. */
  readonly addressOf: (row: readonly Value[]) => string | undefined;
}

/** Parses `column: page.html?input={other column}`. Values are encoded, and the page is one of the dashboard's. */
export function linkOf(text: string | undefined, { columns }: Rows): Link | undefined {
  const [, column, address] = /^(\w+):\s*([\w-]+\.html(?:\?\S*)?)$/.exec(text ?? '') ?? [];
  if (column === undefined || address === undefined) return undefined;
  const valueIn = (row: readonly Value[], name: string): Value =>
    row[columns.findIndex((one) => one.name === name)] ?? null;
  return {
    column,
    addressOf: (row) => {
      const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
      if (names.some((name) => valueIn(row, name) === null)) return undefined;
      return address.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(valueIn(row, name))));
    },
  };
}
