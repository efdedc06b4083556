/** Reads single variables; what is wrong with one is added to `problems`. An empty variable counts as not set. */
export function environment(env: NodeJS.ProcessEnv, problems: string[]) {
  return {
    whole(name: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
      const text = env[name]
      if (!text) return undefined
      const value = Number(text)
      if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max) return value
      problems.push(
        `${name}: ${JSON.stringify(text)} is not a whole number ≥ ${min}${max < Number.MAX_SAFE_INTEGER ? ` and ≤ ${max}` : ''}`,
      )
      return undefined
    },
    names(name: string): string[] | undefined {
      if (!env[name]) return undefined
      const list = env[name]
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)
      const wrong = list.filter((part) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(part))
      problems.push(...wrong.map((part) => `${name}: ${JSON.stringify(part)} is not the name of an environment variable`))
      return list
    },
    redisUrl(name: string): string | undefined {
      const url = env[name]
      if (url && !/^rediss?:\/\/\S+$/.test(url)) problems.push(`${name}: is not a URL such as redis://host:6379`)
      return url
    },
  }
}
