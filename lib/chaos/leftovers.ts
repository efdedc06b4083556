import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { files } from '#lib/contract.ts'
import { livingAgent, notes } from '#lib/pool/state.ts'
import { processes } from '#lib/proc.ts'
import { keys } from '#lib/queue/keys.ts'

/** Files of attempts and agents that are still there: workspaces, notes, temporary files. Those of a spare that lives are in their place. */
export function leftFiles(home: string, tmp: string): string[] {
  const spares = notes(home).filter((note) => note.spare && livingAgent(home, note))
  const fine = new Set(spares.flatMap(({ name }) => [join(home, files.agents, name), join(home, files.tmp, name)]))
  return [join(home, files.work), join(home, files.agents), join(home, files.tmp), tmp].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .map((name) => join(folder, name))
          .filter((path) => !fine.has(path))
          .map((path) => `file ${path}`)
      : [],
  )
}

/** Processes that belong to the folder, by what they were started with. `known`: those that may be there. */
export const belonging = (folder: string, known: readonly number[]): number[] =>
  processes().flatMap(({ pid }) =>
    !known.includes(pid) && ['cmdline', 'environ'].some((file) => read(pid, file).includes(folder)) ? [pid] : [],
  )

/** The same for a person. */
export const leftProcesses = (folder: string, known: readonly number[]): string[] =>
  belonging(folder, known).map((pid) => `process ${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ').trim()}`)

/** Empty for a process that is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

const fine = new Set([
  keys.jobs,
  keys.tail,
  keys.seq,
  keys.clock,
  keys.logBytes,
  keys.events,
  keys.expire,
  keys.dead,
  keys.stream('default'),
] as string[])

/** What the queue still holds when every job is final: entries, leases, agents, open groups, anything of a job that is gone. */
export async function leftInQueue(redis: Redis, jobs: ReadonlySet<string>, gone: ReadonlySet<string>): Promise<string[]> {
  const left: string[] = []
  const sum = { bytes: 0 }
  for (const key of (await redis.keys('*')).sort()) {
    const [, id, log] = /^job:([^:]+)(:log)?$/.exec(key) ?? []
    if (id) {
      if (!jobs.has(id) || gone.has(id)) left.push(`key ${key}`)
      if (!log) sum.bytes += Number((await redis.hget(key, 'logBytes')) ?? 0)
    } else if (key.startsWith('ci-key:k:')) {
      if (!(await redis.exists(keys.job((await redis.get(key)) ?? '')))) left.push(`key ${key} of a job that is gone`)
    } else if (!fine.has(key) && !key.startsWith('jobs:')) left.push(`key ${key}: ${await shown(redis, key)}`)
    if (key === 'jobs' || (key.startsWith('jobs:') && key !== keys.tail) || key === keys.expire)
      for (const id of await redis.zrange(key, '0', '-1')) if (gone.has(id)) left.push(`member ${id} of ${key}`)
  }
  for (const [entry, fields] of await redis.xrange(keys.stream('default'), '-', '+'))
    left.push(`entry ${entry} of ${fields.join(' ')}`)
  const [[, pending] = [null, []], [, consumers] = [null, []]] =
    (await redis
      .pipeline()
      .xpending(keys.stream('default'), 'ci-workers')
      .xinfo('CONSUMERS', keys.stream('default'), 'ci-workers')
      .exec()) ?? []
  if (Number((pending as unknown[] | null)?.[0] ?? 0)) left.push(`${(pending as unknown[])[0] as number} pending entries`)
  for (const consumer of (consumers as unknown[][] | null) ?? []) left.push(`consumer ${String(consumer[1])}`)
  const counted = Number((await redis.get(keys.logBytes)) ?? 0)
  if (counted !== sum.bytes) left.push(`${keys.logBytes} says ${counted}, and all logs together have ${sum.bytes}`)
  return left
}

async function shown(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key)
  if (type === 'string') return (await redis.get(key)) ?? ''
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key))
  if (type === 'zset') return (await redis.zrange(key, '0', '-1')).join(' ')
  if (type === 'set') return (await redis.smembers(key)).join(' ')
  return type
}
