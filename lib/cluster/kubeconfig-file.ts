import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { isMap, isSeq, parseDocument, type Document } from 'yaml'
import { RaibidError } from '#lib/errors.ts'

/** The kubeconfig that is written to: the first of KUBECONFIG, else that of the home folder. */
export const kubeconfigPath = (env: NodeJS.ProcessEnv): string =>
  env['KUBECONFIG']?.split(delimiter).find(Boolean) ?? join(env['HOME'] || homedir(), '.kube/config')

const lists = ['clusters', 'contexts', 'users'] as const

/** Is there a context of this name in it? What can't be read has none: who logs in there will say why. */
export function hasContext(env: NodeJS.ProcessEnv, name: string): boolean {
  const path = kubeconfigPath(env)
  if (!existsSync(path)) return false
  try {
    const { contexts } = parseDocument(readFileSync(path, 'utf8')).toJS() as { contexts?: { name?: string }[] }
    return (contexts ?? []).some((one) => one.name === name)
  } catch {
    return false
  }
}

/** What of a cluster and of a user another login would be; the address may be changed by who reaches it by another one. */
const login = {
  clusters: ['certificate-authority-data'],
  users: ['client-certificate-data', 'client-key-data', 'token', 'username', 'password'],
}

/** Does a kubeconfig have, under `name`, the login of the one cluster of another? True for another that can't be read: there is nothing to renew it with. */
export function holdsLogin(text: string, added: string, name: string): boolean {
  const into = entriesOf(text)
  const from = entriesOf(added)
  return Object.entries(login).every(([list, fields]) => {
    const wanted = inside(from[list]?.[0])
    const has = inside(into[list]?.find((one) => one.name === name))
    return fields.every((field) => wanted[field] === undefined || wanted[field] === has[field])
  })
}

type Entry = { name?: string; cluster?: Record<string, unknown>; user?: Record<string, unknown> }
const inside = ({ cluster, user }: Entry = {}): Record<string, unknown> => cluster ?? user ?? {}

function entriesOf(text: string): Record<string, Entry[] | undefined> {
  try {
    return (parseDocument(text).toJS() ?? {}) as Record<string, Entry[] | undefined>
  } catch {
    return {}
  }
}

/**
 * A kubeconfig with the one cluster of another put into it under `name`, in place of an earlier one of that name. Everything else stays as it
 * was written, and so does the current context, unless there was none. RaibidError for a text that is no kubeconfig.
 */
export function mergeKubeconfig(text: string, added: string, name: string, path: string): string {
  const into = documentOf(text || 'apiVersion: v1\nkind: Config\n', path)
  const from = documentOf(added, 'the kubeconfig of k3s').toJS() as Record<(typeof lists)[number], { [key: string]: unknown }[]>
  const [cluster, user] = [from.clusters?.[0], from.users?.[0]]
  if (!cluster || !user) throw new RaibidError('the kubeconfig of k3s names no cluster and user')
  put(into, 'clusters', { ...cluster, name })
  put(into, 'users', { ...user, name })
  put(into, 'contexts', { name, context: { cluster: name, user: name } })
  if (!into.get('current-context')) into.set('current-context', name)
  return into.toString({ lineWidth: 0 })
}

/** The same without what is called `name`; as it was when there is nothing of that name. */
export function withoutContext(text: string, name: string, path: string): string {
  const into = documentOf(text, path)
  let changed = false
  for (const key of lists) {
    const list = into.get(key)
    if (!isSeq(list)) continue
    const at = list.items.findIndex((item) => isMap(item) && item.get('name') === name)
    if (at >= 0) changed = list.delete(at)
  }
  if (changed && into.get('current-context') === name) into.set('current-context', '')
  return changed ? into.toString({ lineWidth: 0 }) : text
}

function documentOf(text: string, path: string): Document {
  const document = parseDocument(text)
  // the words of the parser quote the line, and tokens with it
  if (document.errors.length || !isMap(document.contents))
    throw new RaibidError(`${path} is not a kubeconfig: nothing was written to it; mend it or move it away`)
  return document
}

function put(document: Document, key: (typeof lists)[number], entry: { name: string; [key: string]: unknown }): void {
  const list = document.get(key)
  const made = document.createNode(entry)
  if (!isSeq(list)) {
    document.set(key, document.createNode([entry]))
    return
  }
  const at = list.items.findIndex((item) => isMap(item) && item.get('name') === entry.name)
  if (at >= 0) list.set(at, made)
  else list.add(made)
}
