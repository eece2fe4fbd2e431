/** How many statements run at once: each costs more waiting than work. */
const AT_ONCE = 4;

/**
 * Maps items a few at a time and keeps their order. After a failure no further item is started, and the error is thrown
 * once the running ones have ended, so that they can't interfere with a caller that puts things back.
 */
export async function mapConcurrently<Item, Result>(
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
