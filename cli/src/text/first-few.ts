/** How many items a sentence lists. */
const NAMED = 3;

/** The first few of many, for a sentence, and how many it leaves out. */
export function firstFew<Item>(items: readonly Item[]): { readonly shown: readonly Item[]; readonly more: number } {
  const shown = items.slice(0, NAMED);
  return { shown, more: items.length - shown.length };
}
