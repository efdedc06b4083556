#!/usr/bin/env node
/** Start the local pool: Redis, scaler and agents. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig, type Config } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { changeSettings, poolLimits } from '#lib/pool/settings.ts'
import { runningPool } from '#lib/pool/state.ts'
import { isSameProcess } from '#lib/processes.ts'

export const spec = {
  name: 'up',
  group: 'pool',
  summary: 'Start the local pool: Redis, scaler, agents, and the control plane',
  flags: {
    max: { type: 'number', description: 'agents at the most in the pool "default"; default: the number of cores', min: 1 },
    warm: { type: 'number', description: 'agents kept ready while there is nothing to do; default: 0' },
    'no-serve': { type: 'boolean', description: 'without webhooks, API and pages' },
    foreground: { type: 'boolean', description: 'stay in this terminal: Ctrl-C gives running jobs back to the queue and stops' },
  },
  examples: ['just up', 'just up --max 4 --warm 1'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { max, warm } = args
  const config = await loadConfig({ flags: { max, warm } })
  const there = runningPool(config.home)
  if (there && !there.stopping) {
    ok(`the pool is running already (pid ${there.pid})`)
    return 0
  }
  if (there) {
    step(`the pool (pid ${there.pid}) is draining: waiting for its end`)
    while (isSameProcess(there.pid, there.startTime)) {
      if (signal.aborted) throw signal.reason
      await sleep(50)
    }
  }
  // what is said now counts before what `just scale` said once
  if (max !== undefined) changeSettings(config.home, 'default', { max: undefined })
  return args.foreground ? foreground(config, !args.noServe, signal) : background(config, !args.noServe)
}

async function foreground(config: Config, withServe: boolean, signal: AbortSignal): Promise<number> {
  const { startPool } = await import('#lib/pool/pool.ts')
  const say = (text: string): void => info(`${new Date().toISOString()} ${text}`)
  const pool = await startPool({ config, say })
  say(`the pool is up (pid ${process.pid}): ${described(config)}`)
  const { startServe } = await import('#lib/pool/serve-child.ts')
  const serve = withServe ? startServe({ root: config.root, home: config.home, redisUrl: pool.redisUrl, say }) : null
  // SIGTERM (`just down`, systemd) lets running jobs end; SIGINT (Ctrl-C, `just down --now`) gives them back
  process.removeAllListeners('SIGTERM')
  process.on('SIGTERM', () => pool.stop('drain'))
  const stop = (): void => pool.stop('now')
  process.removeAllListeners('SIGINT')
  process.on('SIGINT', stop)
  signal.addEventListener('abort', stop)
  await pool.stopped
  await serve?.stop()
  say('the pool is down')
  return 0
}

/** Starts the same task in the foreground of its own session, and waits until it is ready. */
async function background(config: Config, withServe: boolean): Promise<number> {
  const path = join(config.home, files.poolLog)
  mkdirSync(join(config.home, 'run'), { recursive: true, mode: 0o700 })
  const log = openSync(path, 'a', 0o600)
  const from = statSync(path).size
  step(`starting the pool (its story: ${path})`)
  const flags = ['--foreground', ...process.argv.slice(2)]
  const child = spawn(process.execPath, [import.meta.filename, ...flags], { detached: true, stdio: ['ignore', log, log] })
  let ended = ''
  child.on('error', (error) => (ended = error.message))
  child.on('exit', (code, how) => (ended ||= how ?? `exit ${code}`))
  child.unref()
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(10)) {
    const state = runningPool(config.home)
    if (state) {
      ok(`the pool is up (pid ${state.pid}): ${described(config)}`)
      if (withServe) await tellAddress(config)
      return 0
    }
    if (ended) throw new RaibidError(`the pool did not start (${ended}):\n${readFileSync(path, 'utf8').slice(from).trim()}`)
  }
  throw new RaibidError(`the pool is not ready after 30 s; its story: ${path}`)
}

/** The pages are there a moment after the pool; nobody waits for them long. */
async function tellAddress({ home }: Config): Promise<void> {
  const path = join(home, files.serveUrl)
  for (const end = Date.now() + 5000; Date.now() < end; await sleep(25)) {
    if (!existsSync(path)) continue
    return info(`  pages, API and webhooks: ${readFileSync(path, 'utf8').trim()}`)
  }
  info(`  pages, API and webhooks are not there yet; their story: ${join(home, files.serveLog)}`)
}

const described = (config: Config): string =>
  Object.entries(config.pools)
    .map(([name, own]) => [name, poolLimits(config.home, name, own)] as const)
    .map(([name, { max, warm, paused }]) =>
      paused !== null
        ? `${name}: ${paused} (\`just resume ${name}\`)`
        : `${name}: up to ${max} agent${max === 1 ? '' : 's'}${warm ? `, ${warm} warm` : ''}`,
    )
    .join('; ')

if (import.meta.main) await main(spec, run)
