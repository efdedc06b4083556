/** Names of images, by the rules of the OCI distribution specification: from a repository's address, and from a branch. */
import { createHash } from 'node:crypto'
import { RaibidError } from '#lib/errors.ts'
import { parseRepo } from '#lib/repo.ts'

const part = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/
const longestName = 255
const longestTag = 128

/** Where the images of a repository on this disk stand beside those of owners. */
const localOwner = 'local'

/** `<owner>/<repository>` of a repository's address, in lower case. RaibidError for one that no registry would take. */
export function imagePath(repo: string): string {
  const { kind, name } = parseRepo(repo)
  const parts = (kind === 'path' ? [localOwner, name] : name.split('/')).map((one) => one.toLowerCase())
  if (parts.length === 1) parts.unshift(localOwner)
  const path = parts.join('/')
  if (parts.every((one) => part.test(one)) && path.length <= longestName) return path
  throw new RaibidError(`${JSON.stringify(path.slice(0, 80))} can't be the name of an image`)
}

/** The tag of a branch: what a tag can't hold becomes `-`. A branch never gets a tag that means something else. */
export function branchTag(branch: string): string {
  const tag = branch.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[.-]+/, '')
  const hash = createHash('sha256').update(branch).digest('hex').slice(0, 8)
  const taken = tag === '' || tag === 'latest' || /^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(tag)
  if (taken) return `branch-${tag.slice(0, 100) || hash}`
  return tag.length > longestTag ? `${tag.slice(0, longestTag - 9)}-${hash}` : tag
}

/** A registry as it is configured. */
export interface Registry {
  /** Host, with its port where it has one. */
  host: string
  /** It speaks plain HTTP. */
  insecure: boolean
}

/** Reads `host[:port]`, or `http://host[:port]` for one without TLS; null for what is neither. */
export function parseRegistry(text: string): Registry | null {
  const [, scheme, host] = /^(https?:\/\/)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?)\/?$/i.exec(text) ?? []
  return host ? { host: host.toLowerCase(), insecure: scheme?.toLowerCase() === 'http://' } : null
}
