/** The scheduler where there is no systemd: a line in the crontab of whoever runs this, and a script for it to run. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import { $ } from '#lib/exec.ts'
import { parseCron } from './cron-time.ts'
import { lastOf, lineOf, logOf, ourLines, scriptOf, scriptText, withLine, withoutLine } from './crontab.ts'
import { mark } from './recurring.ts'
import type { Done, Planned, Scheduled, Scheduler } from './scheduler.ts'

export const cron: Scheduler = {
  name: 'cron',

  async plan(it): Promise<Planned> {
    const [crontab, script] = [await readCrontab(), await readFile(scriptOf(it), 'utf8').catch(() => null)]
    const there = crontab.split('\n').includes(lineOf(it)) && withLine(crontab, it) === ensured(crontab)
    const known = ourLines(crontab, it.id.slice(-8)).has(it.id)
    const writes = [`${scriptOf(it)}:\n${scriptText(it)}`, `crontab:\n${lineOf(it)}\n`]
    return { did: there && script === scriptText(it) ? 'unchanged' : known ? 'changed' : 'installed', writes }
  },

  async install(it): Promise<void> {
    await mkdir(it.folder, { recursive: true, mode: 0o700 })
    await writeFile(scriptOf(it), scriptText(it), { mode: 0o700 })
    await writeCrontab(withLine(await readCrontab(), it))
  },

  async remove(id, { folder }): Promise<Done> {
    const crontab = await readCrontab()
    const rest = withoutLine(crontab, id)
    if (rest !== crontab) await writeCrontab(rest)
    // the log stays: somebody may want to know what happened
    for (const path of [scriptOf({ folder, id }), lastOf({ folder, id })]) await rm(path, { force: true })
    return rest === crontab ? 'nothing' : 'removed'
  },

  async list(place): Promise<Scheduled[]> {
    const { Cron } = await import('croner')
    const entries = [...ourLines(await readCrontab(), mark(place))]
    return Promise.all(
      entries.map(async ([id, time]) => {
        const log = logOf({ folder: place.folder, id })
        const [, began, , code] = /^(\d+) (\d+) (\d+)$/.exec((await text(lastOf({ folder: place.folder, id }))).trim()) ?? []
        const next = new Cron(parseCron(time).text, { paused: true }).nextRun()?.getTime() ?? null
        return {
          ...{ id, recipe: id.slice('raibid-'.length, -9), time, by: 'cron', next: running() ? next : null, log },
          ...{ last: began ? Number(began) * 1000 : null, lastCode: code === undefined ? null : Number(code) },
        }
      }),
    )
  },

  warnings: () =>
    running() ? [] : ['no cron daemon runs on this machine, so nothing will happen: start it (service cron start)'],
}

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
const ensured = (crontab: string): string => (crontab === '' || crontab.endsWith('\n') ? crontab : `${crontab}\n`)

/** Is there a cron daemon? Asked of the processes, for nobody agrees on where it leaves its number. */
function running(): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return /^(?:cron|crond|fcron|cronie)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
    } catch {
      return false
    }
  })
}

async function readCrontab(): Promise<string> {
  const { exitCode, stdout, stderr } = await $({ nothrow: true, env: { ...process.env, LC_ALL: 'C' } })`crontab -l`
  if (exitCode === 0) return stdout
  if (/no crontab for/i.test(stderr)) return ''
  throw new RaibidError(`crontab -l failed: ${stderr.trim() || `exit ${exitCode}`}`)
}

/** By a file: a crontab that refuses may not read to the end, and an empty one is no input at all. */
async function writeCrontab(wished: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'raibid-crontab-'))
  try {
    await writeFile(join(folder, 'crontab'), wished, { mode: 0o600 })
    const { exitCode, stderr } = await $({ nothrow: true })`crontab ${join(folder, 'crontab')}`
    if (exitCode !== 0) throw new RaibidError(`the crontab was not taken: ${stderr.trim() || `exit ${exitCode}`}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
