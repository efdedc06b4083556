/** Where and with what it was measured. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { root } from '#lib/config.ts'

export interface Machine {
  cpu: string
  cores: number
  memoryGb: number
  kernel: string
  /** Load average of the last minute as the bench began: a quiet machine has 0. */
  load: number
}

export interface Versions {
  node: string
  redis: string
  git: string
  ioredis: string
  bullmq: string
  /** `+` behind it: with changes that are not committed. */
  raibid: string
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGb: Math.round(totalmem() / 1024 ** 3),
  kernel: release(),
  load: Number(loadavg()[0]!.toFixed(2)),
})

export const versions = (): Versions => ({
  node: process.versions.node,
  redis: said('redis-server', '--version', /v=(\S+)/),
  git: said('git', '--version', /version (\S+)/),
  ioredis: packaged('ioredis'),
  bullmq: packaged('bullmq'),
  raibid: commit(),
})

function said(command: string, flag: string, pattern: RegExp): string {
  try {
    return pattern.exec(execFileSync(command, [flag], { encoding: 'utf8' }))?.[1] ?? 'unknown'
  } catch {
    return 'not installed'
  }
}

function packaged(name: string): string {
  try {
    const text = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch {
    return 'not installed'
  }
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    // what a bench writes is no change of what it measures
    const changed = git('status', '--porcelain', '--', 'agent', 'lib', 'tasks', 'package-lock.json')
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '')
  } catch {
    return 'unknown'
  }
}
