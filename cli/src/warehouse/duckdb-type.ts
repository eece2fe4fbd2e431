/** A DuckDB type, as far as it affects how values are written. */
export type DuckDbType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'list'; readonly item: DuckDbType }
  | { readonly kind: 'map'; readonly key: DuckDbType; readonly value: DuckDbType }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, DuckDbType> };

/** Reads a type as DuckDB's driver prints it: `STRUCT(a BIGINT, "b c" VARCHAR[])[]`. */
export function parseType(text: string): DuckDbType {
  const list = /^(.*)\[\d*\]$/s.exec(text)?.[1];
  if (list !== undefined) return { kind: 'list', item: parseType(list) };
  const [, kind, inner = ''] = /^(STRUCT|MAP)\((.*)\)$/s.exec(text) ?? [];
  const parts = splitAtCommas(inner);
  const [key, value] = parts;
  if (kind === 'MAP' && key !== undefined && value !== undefined) {
    return { kind: 'map', key: parseType(key), value: parseType(value) };
  }
  if (kind === 'STRUCT') return { kind: 'struct', fields: new Map(parts.map(fieldOf)) };
  return { kind: 'plain', name: text };
}

/** Whether values of the type can't be written in dbt's YAML rows. */
export const isNestedType = (type: string): boolean => parseType(type).kind !== 'plain';

function fieldOf(text: string): [string, DuckDbType] {
  const [, quoted, bare, type = ''] = /^(?:"((?:[^"]|"")*)"|(\S+)) (.*)$/s.exec(text) ?? [];
  return [quoted?.replaceAll('""', '"') ?? bare ?? text, parseType(type)];
}

/** Splits the parts of a DuckDB or Spark type at commas outside of brackets and quotes. */
export function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|[<([\])>,]/g)) {
    if ('<(['.includes(token)) depth += 1;
    else if ('>)]'.includes(token)) depth -= 1;
    else if (token === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}
