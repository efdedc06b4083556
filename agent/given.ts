/** What agent/start.sh hands over: the secrets of an agent, which its environment must not hold. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { agentSecrets } from '#lib/contract.ts'

const most = 1024 * 1024

/** Reads the secrets from standard input, which is empty afterwards. An error when a build could read them there again, or they are none. */
export function takeSecrets(fd = 0): Partial<Record<string, string>> {
  // a shell that keeps them in a file (bash does, with much text) leaves the init a way to that file
  if (!fstatSync(fd).isFIFO())
    throw new Error('the secrets of this agent were to come by a pipe: is /bin/sh another shell than dash?')
  const text = readFileSync(fd, 'utf8')
  closeSync(fd)
  if (fd === 0) openSync('/dev/null', 'r') // takes its number: what is opened next is not to be the standard input
  return parseSecrets(text)
}

/** From lines `NAME=value`; a value of several lines has as many of them. Names that nobody agreed on are an error. */
export function parseSecrets(text: string): Partial<Record<string, string>> {
  if (text.length > most) throw new Error('the secrets of this agent are longer than a mebibyte')
  const values: Partial<Record<string, string>> = {}
  for (const line of text.split('\n').filter(Boolean)) {
    const at = line.indexOf('=')
    const name = line.slice(0, at)
    if (!agentSecrets.some((one) => one === name)) throw new Error('the secrets of this agent are not lines NAME=value')
    const before = values[name]
    values[name] = `${before === undefined ? '' : `${before}\n`}${line.slice(at + 1)}`
  }
  return values
}
