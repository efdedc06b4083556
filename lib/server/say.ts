/** One line of the story of `serve`: an area, what happened, and the facts. */
export type Say = (area: string, what: string, facts?: Record<string, string | number | undefined>) => void

const value = (text: string | number): string =>
  /^[\w./:@+-]+$/.test(String(text)) ? String(text) : JSON.stringify(String(text))

/** The line, without its time: `podwatch released agent=x reason="out of memory"`. */
export function storyLine(area: string, what: string, facts: Record<string, string | number | undefined> = {}): string {
  const told = Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : `${name}=${value(fact)}`))
  return [area, what, ...told].join(' ')
}
