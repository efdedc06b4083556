import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { keys } from '#lib/queue/keys.ts'
import { assemble, type ScriptName } from '#lib/queue/scripts.ts'
import { finalStates, jobStates } from '#lib/queue/types.ts'

const folder = new URL('../../../lib/queue/', import.meta.url)
const readme = readFileSync(new URL('README.md', folder), 'utf8')
const luaFiles = readdirSync(new URL('lua/', folder)).toSorted()
const lua = Object.fromEntries(
  luaFiles.map((file) => [file.replace('.lua', ''), readFileSync(new URL(`lua/${file}`, folder), 'utf8')]),
)
const transitions = Object.keys(lua).filter((name) => lua[name]!.startsWith('-- with:'))

/** A key's name with its variable parts as the README writes them. */
const shapes = Object.values(keys).flatMap((key) => {
  if (typeof key === 'string') return [key]
  const name = /\(([a-z]+)\)/.exec(key.toString())?.[1] ?? 'x'
  return name === 'pool' ? [key('default'), key('<pool>')] : [key(`<${name}>`)]
})

test('the README names every key, and no other', () => {
  const rows = readme
    .split('## States')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!))
  expect(named.toSorted()).toEqual(shapes.toSorted())
})

test('the scripts write no key that keys.ts does not know', () => {
  const stems = new Set(shapes.map((shape) => shape.split(/[:<]/)[0]!))
  const written = Object.values(lua).flatMap((text) =>
    [...text.matchAll(/'((?:ci-|jobs?)[a-z-]*)[:']/g)].map((match) => match[1]!),
  )
  const unknown = written.filter((name) => !stems.has(name) && !['job', 'ci-workers'].includes(name))
  expect(unknown.filter((name) => !(name === 'ci-' || stems.has(name)))).toEqual([])
})

test('the README tells of every script, with the roles that call it', () => {
  const rows = [...readme.matchAll(/^\| `([a-z]+)` +\| ([a-z, ]+?) +\|/gm)].map(([, script, roles]) => `${script}: ${roles}`)
  const called = transitions.map((name) => {
    const roles = ['producer', 'worker', 'keeper', 'reporter'].filter((role) =>
      new RegExp(`run\\(\\s*'${name}'`).test(readFileSync(new URL(`${role}.ts`, folder), 'utf8')),
    )
    return `${name}: ${name === 'tend' ? 'keeper' : roles.join(', ')}`
  })
  expect(rows.toSorted()).toEqual(called.toSorted())
})

test('the diagram has every state, and no way out of a final one but a retry', () => {
  const arrows = [...readme.matchAll(/^ {2}(\[\*\]|[a-z]+) --> ([a-z]+): (.*)$/gm)].map(([, from, to, why]) => ({
    from,
    to,
    why,
  }))
  expect([...new Set(arrows.map(({ to }) => to))].toSorted()).toEqual([...jobStates].toSorted())
  for (const { from, why } of arrows) if ((finalStates as readonly string[]).includes(from!)) expect(why).toBe('retry')
})

test.each(transitions)('%s: contract on top, 40 lines at the most, flags for a full Redis where it frees', (name) => {
  const text = lua[name]!
  expect(
    text
      .split('\n')
      .filter((line) => line.startsWith('--'))
      .join(' '),
  ).toMatch(/ARGV: |ARGV, for each: |No ARGV\. /)
  expect(text.trim().split('\n').length).toBeLessThanOrEqual(40)
  expect(assemble(name as ScriptName)).toMatch(/^#!lua/)
  const frees = ['finish', 'release', 'cancel', 'tend', 'sweep', 'audit', 'expire', 'drop', 'beat', 'report', 'told']
  expect(/^-- flags: allow-oom$/m.test(text)).toBe(frees.includes(name))
})
