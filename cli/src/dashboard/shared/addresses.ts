import type { InputValue, InputValues, PageQuery } from './types.ts';

/** The inputs that each of a page's data sets depends on. The set of a query is that of all queries with the same inputs. */
export function dataSetsOf(queries: readonly PageQuery[]): readonly (readonly string[])[] {
  const sets = new Map(queries.map(({ keys }) => [keys.join(','), keys] as const));
  return [...sets.values()];
}

/** Where the page finds the data set for these inputs, relative to the page: the same for the server and in a static folder. */
export function dataAddress(page: string, keys: readonly string[], inputs: InputValues): string {
  if (keys.length === 0) return `data/${page}.json`;
  const values = keys.map((name) => [name, inputs[name] ?? null] as const);
  return `data/${page}/${keys.join('+')}/${digest(JSON.stringify(values))}.json`;
}

/** The values that a data set is fetched for, as the query of a URL. */
export function toSearch(inputs: InputValues, names: readonly string[]): string {
  const search = new URLSearchParams();
  for (const name of names) for (const text of textsOf(inputs[name] ?? null)) search.append(name, text);
  return String(search);
}

/** The texts of a value in a URL: one, several, or for no value an empty one. */
export function textsOf(value: InputValue): readonly string[] {
  if (value === null || (Array.isArray(value) && value.length === 0)) return [''];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/** FNV-1a twice with different starts, 64 bits: only names of files have to differ. */
function digest(text: string): string {
  const half = (start: number): string => {
    let hash = start;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
    return hash.toString(16).padStart(8, '0');
  };
  return half(0x811c9dc5) + half(0x9747b28c);
}
