/** What was found. `fail`: raibid-ci can't work like this; `warn`: something won't. Both say how to mend it. */
export interface Finding {
  name: string
  state: 'ok' | 'warn' | 'fail'
  found: string
  mend?: string
}

export const good = (name: string, found: string): Finding => ({ name, state: 'ok', found })
export const bad = (name: string, found: string, mend: string, state: 'warn' | 'fail' = 'fail'): Finding => ({
  name,
  state,
  found,
  mend,
})

/** Is the version in `text` (`git version 2.39.5`) the wanted one or newer? */
export function atLeast(text: string, [major, minor]: readonly [number, number]): boolean {
  const [, x, y] = /(\d+)\.(\d+)/.exec(text) ?? []
  return Number(x) > major || (Number(x) === major && Number(y) >= minor)
}
