import { resolve } from 'node:path'
import { parseRegistry, type Registry } from './registry/name.ts'

/** An address of the web that holds nothing secret: no user, no question, no fragment. */
export const webUrlForm = /^https?:\/\/[A-Za-z0-9._[\]:-]+(\/[^\s?#@]*)?$/

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
    /** A folder (seen from `root`), or a Gitea with an owner. */
    artifacts(name: string, root: string): string | undefined {
      const place = env[name]
      if (!place) return undefined
      if (!/^[a-z]+:\/\//i.test(place)) return resolve(root, place)
      const problem = artifactsProblem(place)
      if (problem) problems.push(`${name}: ${problem}`)
      return place
    },
    registry(name: string): Registry | undefined {
      const text = env[name]
      if (!text) return undefined
      const registry = parseRegistry(text)
      if (!registry) problems.push(`${name}: is not a registry such as registry.example:5000 or http://127.0.0.1:5000`)
      return registry ?? undefined
    },
    webUrl(name: string): string | undefined {
      const url = env[name]
      if (!url || webUrlForm.test(url)) return url?.replace(/\/+$/, '') || undefined
      problems.push(`${name}: is not an address such as https://ci.example (without a user, ? or #)`)
      return undefined
    },
    /** An address that may hold a token: it is not repeated. */
    notifyUrl(name: string): string | undefined {
      const url = env[name]
      if (url && !notifyForm.test(url)) problems.push(`${name}: is not an address such as https://hooks.example/abc`)
      return url || undefined
    },
    redisUrl(name: string): string | undefined {
      const url = env[name]
      if (url && !/^rediss?:\/\/\S+$/.test(url)) problems.push(`${name}: is not a URL such as redis://host:6379`)
      return url
    },
  }
}

/** What is wrong with the address of a Gitea whose packages hold the artifacts. Never repeats it: it may hold a password. */
export function artifactsProblem(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || !/^https?:$/.test(url.protocol)) return 'is neither a folder nor a URL such as https://git.example/owner'
  if (url.username || url.password) return 'carries a login: give it in RAIBID_GIT_CREDENTIALS, as for git'
  if (url.search || url.hash) return 'has a part after "?" or "#"'
  return /\/[A-Za-z0-9][A-Za-z0-9._-]*\/*$/.test(url.pathname) ? undefined : 'names no owner: https://git.example/owner'
}

/** The address of a webhook for notices. */
export const notifyForm = /^https?:\/\/[^\s/]+(\/\S*)?$/
