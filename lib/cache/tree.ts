/** Files and folders of caches on the disk: whether they may be kept, their size, and how they get from one place to another. */
import { formatBytes } from '#lib/bytes.ts'
import { spawn } from 'node:child_process'
import { lstat, mkdir, opendir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stepEnv } from '#lib/contract.ts'

export interface Hand {
  /** Value of RAIBID_MARK: whatever is started for the attempt ends with it. */
  mark: string
  signal: AbortSignal
}

export interface Size {
  bytes: number
  files: number
}

const maxFiles = 1_000_000

/** Whether each part of the name is there, and none is a symlink. */
export async function isPlain(folder: string, name: string): Promise<boolean> {
  const parts = name.split('/')
  for (const [i] of parts.entries()) {
    const stat = await lstat(join(folder, ...parts.slice(0, i + 1))).catch(() => null)
    const last = i === parts.length - 1
    if (!(stat?.isDirectory() || (last && stat?.isFile()))) return false
  }
  return true
}

/** Whether the name is free, in folders that are no symlinks. */
export async function isFree(folder: string, name: string): Promise<boolean> {
  const parts = name.split('/')
  for (const [i] of parts.entries()) {
    const stat = await lstat(join(folder, ...parts.slice(0, i + 1))).catch(() => null)
    if (stat === null) return true
    if (!stat.isDirectory()) return false
  }
  return false
}

/** The size on the disk. Throws for what can't be kept: sockets, pipes and devices, or more than `maxBytes`. */
export async function measure(path: string, maxBytes: number): Promise<Size> {
  const size = { bytes: 0, files: 0 }
  const linked = new Set<string>()
  const add = async (at: string): Promise<boolean> => {
    const stat = await lstat(at)
    if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()) throw new Error('it holds a socket, a pipe or a device')
    const again = stat.nlink > 1 && stat.isFile() && linked.has(`${stat.dev}:${stat.ino}`)
    if (stat.nlink > 1) linked.add(`${stat.dev}:${stat.ino}`)
    if (!again) size.bytes += stat.blocks * 512
    if (++size.files > maxFiles) throw new Error(`it has more than ${maxFiles} files`)
    if (size.bytes > maxBytes) throw new Error(`it is larger than ${formatBytes(maxBytes)}`)
    return stat.isDirectory()
  }
  const open = (await add(path)) ? [path] : []
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const names: string[] = []
    for await (const entry of await opendir(folder)) names.push(join(folder, entry.name))
    for (let i = 0; i < names.length; i += 64) {
      const some = names.slice(i, i + 64)
      const folders = await Promise.all(some.map(add))
      open.push(...some.filter((_, n) => folders[n]))
    }
  }
  return size
}

/** Copies with times and modes; shares the blocks where the file system can. What is half copied when it throws is the caller's to remove. */
export const copyTree = (from: string, to: string, hand: Hand): Promise<void> =>
  tool('cp', ['-a', '--reflink=auto', '--', from, to], '/', hand)

/** Moves to a free name, on the same file system or to another. */
export async function moveTree(from: string, to: string, hand: Hand): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyTree(from, to, hand)
  }
}

/** Makes all files of a workspace newer than `time`, ms: what was cached must not look fresher than sources that it was not made from. */
export const touchAll = (workspace: string, time: number, hand: Hand): Promise<void> =>
  tool(
    'find',
    [
      '.',
      '-name',
      '.git',
      '-prune',
      '-o',
      '-type',
      'f',
      '-exec',
      'touch',
      '-c',
      '-h',
      '-d',
      `@${(time / 1000).toFixed(3)}`,
      '{}',
      '+',
    ],
    workspace,
    hand,
  )

/** Waits until what was written to the file system of this path is on its disk. */
export const syncDisk = (path: string, hand: Hand): Promise<void> => tool('sync', ['-f', '--', path], '/', hand)

function tool(command: string, args: string[], cwd: string, { mark, signal }: Hand): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', [stepEnv.mark]: mark }
    const child = spawn(command, args, { cwd, env, signal, killSignal: 'SIGKILL', stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 2000)))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve()
      const why = /No space left on device|Disk quota exceeded/.exec(said)?.[0]
      reject(new Error(why ? `the disk is full (${why})` : `${command} failed: ${said.split('\n')[0] || `exit code ${code}`}`))
    })
  })
}
