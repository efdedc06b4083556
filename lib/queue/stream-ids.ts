/** Which of two stream ids (`<number>-<number>`) is the later one: negative, 0 or positive. */
export function compareIds(a: string, b: string): number {
  const [[a1, a2], [b1, b2]] = [parts(a), parts(b)]
  return a1 !== b1 ? (a1 < b1 ? -1 : 1) : a2 < b2 ? -1 : a2 > b2 ? 1 : 0
}

/** Sequence numbers reach 2^64 - 1. */
function parts(id: string): [number, bigint] {
  const at = id.indexOf('-')
  return [Number(id.slice(0, at)), BigInt(id.slice(at + 1))]
}

/** Whether a text is one. */
export const isStreamId = (text: string): boolean => /^\d{1,15}-\d{1,20}$/.test(text)
