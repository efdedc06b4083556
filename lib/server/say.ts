/** One line of the story of `serve`: an area, what happened, and the facts. */
export type Say = (area: string, what: string, facts?: Facts) => void

const value = (text: string | number): string =>
  /^[\w./:@+-]+$/.test(String(text)) ? String(text) : JSON.stringify(String(text))

type Facts = Record<string, string | number | undefined>

/** A line for people: `2026-03-01T10:00:00.000Z podwatch released agent=x reason="out of memory"`. */
export function storyLine(time: Date, area: string, what: string, facts: Facts = {}): string {
  const told = Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : `${name}=${value(fact)}`))
  return [time.toISOString(), area, what, ...told].join(' ')
}

/** The same for programs, one JSON object. A fact may not take the place of what every line has. */
export const storyJson = (time: Date, area: string, what: string, facts: Facts = {}): string =>
  JSON.stringify({ ...facts, time: time.toISOString(), area, what })
