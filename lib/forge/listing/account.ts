/** Whose repositories, as people write it: `myorg`, `gitlab:group/sub`, `gitea:org@host`, `github:org@ghe.example`. */
import { safe } from '#lib/cli/untrusted.ts'
import { webUrlForm } from '#lib/config-env.ts'
import { UsageError } from '#lib/errors.ts'
import type { Account, ListingForge } from './types.ts'

const usual: Record<ListingForge, string | null> = {
  github: 'https://github.com',
  gitlab: 'https://gitlab.com',
  gitea: null,
}

const part = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/
const form = 'myorg, gitlab:group/subgroup, gitea:org@git.example or github:org@ghe.example'

/**
 * The account that is meant; GitHub unless it says otherwise. Behind `@` stands a host (https), or a whole address (`http://…`). `known`:
 * addresses of forges, whose scheme and path a host alone then means. Throws UsageError for anything else.
 */
export function parseAccount(text: string, known: readonly string[] = []): Account {
  const account = readAccount(text, known)
  if (typeof account !== 'string') return account
  const shown = safe(text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(/\/\/[^/]*@/g, '//***@')
  throw new UsageError(`${JSON.stringify(shown)} ${account}`)
}

/** The same; text: what is wrong with it, as it stands behind it. */
export function readAccount(text: string, known: readonly string[] = []): Account | string {
  const wrong = (why: string): string => `${why}: write it as ${form}`
  if (text.length > 500) return wrong(`is ${text.length} characters long`)
  const [, kind = 'github', rest = ''] = /^(?:([a-z]{1,20}):(?!\/\/))?(.*)$/s.exec(text) ?? []
  if (!Object.hasOwn(usual, kind)) return wrong('is at no forge that can be listed (github, gitlab, gitea)')
  const forge = kind as ListingForge
  const at = rest.indexOf('@')
  const name = at < 0 ? rest : rest.slice(0, at)
  const parts = name.split('/')
  if (!parts.every((one) => part.test(one))) return wrong('is not the name of an organisation, user or group')
  if (parts.length > 1 && forge !== 'gitlab') return wrong('has a slash, and only gitlab has groups in groups')
  if (parts.length > 21) return wrong('has more than 21 groups in each other')
  const url = at < 0 ? usual[forge] : addressOf(rest.slice(at + 1), known)
  if (url === null) return wrong(at < 0 ? 'does not say at which host' : 'has no host such as git.example behind the @')
  return { forge, url, name }
}

/** An account as parseAccount takes it. */
export function accountText({ forge, url, name }: Account): string {
  if (url === usual[forge]) return forge === 'github' ? name : `${forge}:${name}`
  return `${forge}:${name}@${/^https:\/\/[^/]+$/.test(url) ? url.slice('https://'.length) : url}`
}

function addressOf(text: string, known: readonly string[]): string | null {
  const bare = /^(?:\[[0-9a-f:]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(text)
  const whole = bare ? `https://${text}` : text
  if (!webUrlForm.test(whole) || !URL.canParse(whole)) return null
  const url = whole.replace(/\/+$/, '')
  if (url === text.replace(/\/+$/, '')) return url
  return known.find((address) => new URL(address).host === new URL(url).host) ?? url
}
