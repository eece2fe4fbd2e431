/** How many statements are asked at once: each costs more waiting than work. */
const AT_ONCE = 4;

/**
 * Does the same with each item, a few at once, and keeps their order. Where one fails, no other is begun, and it is
 * thrown when those under way have ended: who puts things back then must not be overtaken by them.
 */
export async function each<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length && failures.length === 0; i = next++) {
      const item = items[i];
      if (item === undefined) continue;
      await work(item).then(
        (result) => results.set(i, result),
        (error: unknown) => failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
