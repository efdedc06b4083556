import { UsageError } from '#lib/errors.ts'

/** `docker.io=https://mirror.example`, any number of them. UsageError for anything else. */
export function parseMirrors(list: readonly string[]): Record<string, string> {
  const pairs = list.map((text) => {
    const [, host, url] = /^([^=]+)=(https?:\/\/.+?)\/*$/.exec(text) ?? []
    if (!host || !url) throw new UsageError(`--mirror: ${JSON.stringify(text)} is not like docker.io=https://mirror.example.`)
    return [host, url] as const
  })
  return Object.fromEntries(pairs)
}
