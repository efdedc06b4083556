/** Our lines in a crontab, each known by what stands at its end; everybody else's stay as they are. */
import { join } from 'node:path'
import type { Recurring } from './recurring.ts'

const tail = (id: string): string => ` # raibid-ci ${id}`
const isOurs = (line: string, id: string): boolean => line.endsWith(tail(id))

/** For the shell, in single quotes. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A word of a crontab's command: cron takes a bare `%` for the end of the line. */
const cronQuote = (text: string): string => shellQuote(text).replaceAll('%', '\\%')

export const scriptOf = ({ folder, id }: Pick<Recurring, 'folder' | 'id'>): string => join(folder, `${id}.sh`)
export const logOf = ({ folder, id }: Pick<Recurring, 'folder' | 'id'>): string => join(folder, `${id}.log`)
export const lastOf = ({ folder, id }: Pick<Recurring, 'folder' | 'id'>): string => join(folder, `${id}.last`)

export const lineOf = (it: Recurring): string => `${it.time.text} /bin/sh ${cronQuote(scriptOf(it))}${tail(it.id)}`

/** The crontab with our line in it, in its old place when it was there. */
export function withLine(crontab: string, it: Recurring): string {
  const lines = crontab === '' ? [] : crontab.replace(/\n$/, '').split('\n')
  const at = lines.findIndex((line) => isOurs(line, it.id))
  const others = lines.filter((line, i) => i === at || !isOurs(line, it.id))
  return [...(at < 0 ? [...lines, lineOf(it)] : others.with(at, lineOf(it))), ''].join('\n')
}

/** Without our line. */
export const withoutLine = (crontab: string, id: string): string =>
  crontab
    .split('\n')
    .filter((line) => !isOurs(line, id))
    .join('\n')

/** The times of our lines, by their ids; `mark`: of this installation's. */
export function ourLines(crontab: string, mark: string): Map<string, string> {
  const found = crontab.split('\n').flatMap((line) => {
    const [, time, id] = /^((?:\S+\s+){5}).* # raibid-ci (raibid-[a-z0-9-]+)$/.exec(line) ?? []
    return id?.endsWith(`-${mark}`) ? [[id, time!.trim()] as const] : []
  })
  return new Map(found)
}

/** What cron runs: the recipe, with its output in a log that doesn't grow for ever, and a note of when it began, ended, and how. */
export function scriptText(it: Recurring): string {
  const command = [it.node, it.task, ...it.args].map(shellQuote).join(' ')
  const exports = Object.entries(it.env).map(([name, value]) => `export ${name}=${shellQuote(value)}`)
  return [
    '#!/bin/sh',
    `# Written by \`just schedule install ${it.recipe}\`; \`just schedule remove ${it.recipe}\` takes it away.`,
    ...exports,
    `log=${shellQuote(logOf(it))}`,
    `last=${shellQuote(lastOf(it))}`,
    `cd ${shellQuote(it.root)} || exit 1`,
    '[ -f "$log" ] && [ "$(wc -c <"$log")" -gt 2000000 ] && mv -f "$log" "$log.1"',
    'began=$(date +%s)',
    `{ date '+── %Y-%m-%d %H:%M:%S'; ${command}; } >>"$log" 2>&1`,
    'code=$?',
    'echo "$began $(date +%s) $code" >"$last.new" && mv -f "$last.new" "$last"',
    'exit "$code"',
    '',
  ].join('\n')
}
