/** Does something with each of many, so many at once; gives what came of it in their order. The first that fails ends it, as the signal does. */
export async function sideBySide<T, R>(
  items: readonly T[],
  most: number,
  act: (item: T) => Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  async function hand(): Promise<void> {
    while (next < items.length) {
      signal.throwIfAborted()
      const at = next++
      results[at] = await act(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, hand))
  return results
}
