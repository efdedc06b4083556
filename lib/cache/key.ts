/** Which state of a cache a workspace asks for: a digest over its key files, the tools and the machine. The workspace may be hostile. */
import { execFile } from 'node:child_process'
import { createHash, type BinaryLike } from 'node:crypto'
import { constants } from 'node:fs'
import { open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { stepEnv } from '#lib/contract.ts'
import { matchesBranch } from '#lib/pipeline/branches.ts'
import { isShared, languagesOf, languageTools, type CacheSpec } from './spec.ts'
import { isPlain } from './tree.ts'

/** Changed when what lies in the store, or what a key is made of, means something else than before. */
const format = 1
const bounds = { entries: 20_000, files: 1000, bytes: 16 * 1024 * 1024 }

export interface Key {
  key: string
  /** Equal for all states of the same paths by the same tools: what is near. */
  near: string
}

export interface KeyFile {
  name: string
  digest: string
}

/** The machine and the tools that made what is cached. */
export interface Makers {
  os: string
  arch: string
  /** What the tools say of themselves. */
  tools: string[]
}

export const digest = (data: BinaryLike): string => createHash('sha256').update(data).digest('hex')
const short = (value: unknown): string => digest(JSON.stringify(value)).slice(0, 32)

/** Pure. The same files under other names are another state. */
export function keyOf(spec: CacheSpec, files: KeyFile[], { os, arch, tools }: Makers): Key {
  const near = ['near', format, os, arch, tools, spec.paths.filter((path) => !isShared(path))]
  const listed = files.map(({ name, digest: sum }) => [name, sum]).sort(([a], [b]) => (a! < b! ? -1 : 1))
  return { key: short(['key', near, listed]), near: short(near) }
}

/** The folder of a repository's caches: nothing that it calls itself becomes a path. */
export const scopeOf = (repo: string): string => short(['scope', repo])

/** The key files of a workspace with the digests of their contents. Throws when there are too many, or one is too large. */
export async function keyFiles(workspace: string, { key }: CacheSpec): Promise<KeyFile[]> {
  const patterns = key.filter((name) => /[*?]/.test(name))
  const names = new Set(key.filter((name) => !patterns.includes(name)))
  // a Rust toolchain file decides what rustc is, whether or not it was named
  if (languagesOf({ key, paths: [] }).includes('rust'))
    for (const name of ['rust-toolchain', 'rust-toolchain.toml']) names.add(name)
  if (patterns.length) for (const name of await matching(workspace, patterns)) names.add(name)
  const found: KeyFile[] = []
  for (const name of names) {
    const sum = await digestOf(workspace, name)
    if (sum !== null) found.push({ name, digest: sum })
  }
  return found
}

async function matching(workspace: string, patterns: string[]): Promise<string[]> {
  // `**/` stands for no folder, too
  const all = patterns.flatMap((pattern) => (pattern.startsWith('**/') ? [pattern, pattern.slice(3)] : [pattern]))
  const found: string[] = []
  const open = ['']
  let seen = 0
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for await (const entry of await opendir(join(workspace, folder))) {
      if (++seen > bounds.entries) throw new Error(`more than ${bounds.entries} files to look through for ${patterns.join(', ')}`)
      const name = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory() && entry.name !== '.git' && entry.name !== 'node_modules') open.push(name)
      if (entry.isFile() && all.some((pattern) => matchesBranch(name, pattern))) found.push(name)
      if (found.length > bounds.files) throw new Error(`more than ${bounds.files} files match ${patterns.join(', ')}`)
    }
  }
  return found
}

async function digestOf(workspace: string, name: string): Promise<string | null> {
  if (!(await isPlain(workspace, name))) return null
  const file = await open(join(workspace, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) return null
    if (stat.size > bounds.bytes) throw new Error(`${name} is ${stat.size} bytes long; a key file has at most ${bounds.bytes}`)
    return digest(await file.readFile())
  } finally {
    await file.close()
  }
}

/** What the tools of its languages say of themselves, as the steps will find them. A tool that says nothing counts as such. */
export async function makers(spec: CacheSpec, cwd: string, env: Record<string, string>, mark: string): Promise<Makers> {
  const say = (command: string, args: string[]): Promise<string> =>
    new Promise((resolve) => {
      const options = { cwd, env: { ...env, [stepEnv.mark]: mark }, timeout: 60_000, maxBuffer: 65_536 }
      execFile(command, args, options, (error, stdout) => resolve(`${command}: ${error ? 'none' : stdout.trim()}`))
    })
  const tools = languagesOf(spec).map((language) => languageTools[language])
  return {
    os: process.platform,
    arch: process.arch,
    tools: await Promise.all(tools.map(([command, ...args]) => say(command, args))),
  }
}
