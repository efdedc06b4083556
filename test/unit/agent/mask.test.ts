import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMasker } from '#agent/mask.ts'

const masked = (secrets: string[], ...pieces: string[]): string => {
  const masker = createMasker(secrets)
  return pieces.map((piece) => masker.write(piece)).join('') + masker.flush()
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.for([
  ['plain', 'hunter22', 'is hunter22!', 'is ***!'],
  ['twice', 'hunter22', 'hunter22hunter22', '******'],
  ['base64', 'hunter22', `x ${base64('hunter22')} y`, 'x *** y'],
  ['JSON', 'a"b\\c\nd', JSON.stringify({ k: 'a"b\\c\nd' }), '{"k":"***"}'],
  ['JSON in ASCII', 'schlüssel', '"schl\\u00fcssel"', '"***"'],
  ['URL', 'a b/c?d', `?t=${encodeURIComponent('a b/c?d')}&`, '?t=***&'],
  ['form', 'a b/c?d', '?t=a+b%2Fc%3Fd&', '?t=***&'],
  ['URL in lower case', 'a b/c?d', '?t=a%20b%2fc%3fd&', '?t=***&'],
  ['too short', 'abc', 'abc', 'abc'],
  ['empty', '', 'abc', 'abc'],
  ['four characters', 'abcd', 'xabcdx', 'x***x'],
  ['no secret', 'hunter22', 'hunter2 hunter', 'hunter2 hunter'],
] as const)('%s', ([, secret, text, expected]) => {
  expect(masked([secret], text)).toBe(expected)
})

test.for([0, 1, 2, 3, 4])('base64 of a longer text, %i bytes in, shows nothing of the secret but its edges', (before) => {
  const secret = 'correct horse battery staple'
  for (const alphabet of ['base64', 'base64url'] as const) {
    const text = Buffer.from(`${'x'.repeat(before)}${secret}yyy`).toString(alphabet)
    const shown = masked([secret], text)
    expect(shown).toContain('***')
    expect(shown.length).toBeLessThanOrEqual(text.length - Math.floor((secret.length * 8) / 6) + 1 + 3)
  }
})

test('base64 with line breaks, as the tool base64 makes it', () => {
  const secret = 'k'.repeat(50) + 'm'.repeat(70)
  const text = base64(secret).replace(/.{76}/g, '$&\n')
  expect(masked([secret], text)).toMatch(/^\*+\n\*+\n?\*+$/)
})

test('each line of a secret with several, if it has six characters', () => {
  expect(masked(['first line\r\n  second one\nshort\n'], 'second one, first line, short')).toBe('***, ***, short')
})

test('the longer of two secrets with the same beginning', () => {
  for (const cut of [4, 5, 8, 11]) {
    const text = 'abcdefgh-long!'
    expect(masked(['abcd', 'abcdefgh-long'], text.slice(0, cut), text.slice(cut))).toBe('***!')
  }
  expect(masked(['abcd', 'abcdefgh-long'], 'abcde', 'fgX')).toBe('***efgX')
})

test('a very long secret, one character at a time', () => {
  const secret = base64('0123456789'.repeat(300))
  expect(masked([secret], ...`<${secret}>`)).toMatch(/^<\*+>$/)
})

describe('what is held back', () => {
  test('is only what could be the beginning of a secret', () => {
    const masker = createMasker(['hunter22'])
    expect(masker.write('tests passed\n')).toBe('tests passed\n')
    expect(masker.write('my hunt')).toBe('my ')
    expect(masker.write('ing')).toBe('hunting')
    expect(masker.write('h')).toBe('')
    expect(masker.flush()).toBe('h')
    expect(masker.flush()).toBe('')
  })

  test('without secrets: nothing', () => {
    const text = 'anything'
    expect(createMasker([]).write(text)).toBe(text)
  })
})

test('wherever the text is cut, the result is the same and has no secret in it', () => {
  const secret = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '"', '%'), minLength: 0, maxLength: 12 })
  const noise = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '"', '%', 'c'), maxLength: 8 })
  const given = fc.array(secret, { minLength: 1, maxLength: 3 }).chain((secrets) => {
    const form = fc.constantFrom(...secrets.flatMap((one) => [one, base64(one), encodeURIComponent(one), JSON.stringify(one)]))
    return fc.record({
      secrets: fc.constant(secrets),
      text: fc.array(fc.oneof(noise, form), { maxLength: 8 }).map((parts) => parts.join('')),
      cuts: fc.array(fc.nat({ max: 120 }), { maxLength: 12 }),
    })
  })
  fc.assert(
    fc.property(given, ({ secrets, text, cuts }) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length]
      const result = masked(secrets, ...at.slice(1).map((end, i) => text.slice(at[i], end)))
      expect(result).toBe(masked(secrets, text))
      for (const one of secrets.filter((each) => each.length >= 4)) expect(result).not.toContain(one)
    }),
    { numRuns: 1000 },
  )
})

test('is not slowed down by text that nearly is a secret', () => {
  const begin = performance.now()
  const chunk = 'a'.repeat(65_536)
  const masker = createMasker([`${'a'.repeat(100)}b${'a'.repeat(20)}`, `${'a'.repeat(5000)}b`])
  for (let i = 0; i < 16; i++) masker.write(chunk)
  expect(performance.now() - begin).toBeLessThan(2000)
})
