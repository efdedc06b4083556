import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '#lib/errors.ts'
import { everyToCron, parseCron, toOnCalendar } from '#lib/schedule/cron-time.ts'
import { lineOf, ourLines, scriptText, withLine, withoutLine } from '#lib/schedule/crontab.ts'
import { taskOf } from '#lib/schedule/recipe.ts'
import { mark, recurring, secretsLeftBehind, type Recurring } from '#lib/schedule/recurring.ts'
import { serviceText, timerText } from '#lib/schedule/units.ts'

const place = { root: '/srv/ra ibid', home: '/srv/ho"me 100% $x \\y', env: { PATH: '/usr/bin:/no/such:relative' } }
const make = (time = '*/15 * * * *', args: string[] = []): Recurring =>
  recurring('rescan', 'tasks/mirror/rescan.ts', args, parseCron(time), place)

describe('times', () => {
  test.each([
    ['*/15 * * * *', '*-*-* *:00,15,30,45:00'],
    ['0 3 * * *', '*-*-* 03:00:00'],
    [' 0  3 * * MON-fri ', 'Mon,Tue,Wed,Thu,Fri *-*-* 03:00:00'],
    ['5,35 8-18/5 1 jan,7 *', '*-01,07-01 08,13,18:05,35:00'],
    ['0 0 * * 7', 'Sun *-*-* 00:00:00'],
    ['0 0 * * 0,7', 'Sun *-*-* 00:00:00'],
    ['30 4 1,15 * 5', '*-*-01,15 04:30:00|Fri *-*-* 04:30:00'],
    ['@daily', '*-*-* 00:00:00'],
    ['0 0 29 2 *', '*-02-29 00:00:00'],
  ])('%s is %s to systemd', (text, expected) => {
    expect(toOnCalendar(parseCron(text)).join('|')).toBe(expected)
  })

  test.each([
    ['', 'is not a time of cron'],
    ['* * * *', 'is not a time of cron'],
    ['* * * * * *', 'is not a time of cron'],
    ['@reboot', 'is not a time of cron'],
    ['60 * * * *', '"60" is no minute (0-59)'],
    ['* 24 * * *', '"24" is no hour (0-23)'],
    ['* * 0 * *', '"0" is no day of the month (1-31)'],
    ['* * * foo *', '"foo" is no month (1-12)'],
    ['* * * * 8', '"8" is no day of the week (0-7)'],
    ['*/0 * * * *', '"*/0" is no minute'],
    ['5/10 * * * *', '"5/10" is no minute'],
    ['9-5 * * * *', '"9-5" is no minute'],
    ['1-2-3 * * * *', '"1-2-3" is no minute'],
    ['1,,2 * * * *', '"1,,2" is no minute'],
    ['-1 * * * *', '"-1" is no minute'],
    ['* * * * *; rm -rf /', 'is not a time of cron'],
    ['0 0 31 2 *', 'is a day that never comes'],
    ['0 0 31 4,6 *', 'is a day that never comes'],
  ])('%j is refused', (text, why) => {
    const error = thrown(() => parseCron(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.message).toContain(why)
  })

  test.each([
    ['1m', 60_000, '* * * * *'],
    ['15m', 900_000, '*/15 * * * *'],
    ['30m', 1_800_000, '*/30 * * * *'],
    ['1h', 3_600_000, '0 * * * *'],
    ['6h', 21_600_000, '0 */6 * * *'],
    ['1d', 86_400_000, '0 0 * * *'],
    ['7d', 604_800_000, '0 0 * * 0'],
  ])('every %s', (_, ms, expected) => {
    expect(everyToCron(ms)).toBe(expected)
    const [first, second] = new Cron(expected, { paused: true }).nextRuns(2, '2026-03-10T12:00:00')
    expect(second!.getTime() - first!.getTime()).toBe(ms)
  })

  test.each([0, 1000, 90_000, 420_000, 3_600_000 * 5, 2 * 86_400_000])('every %i ms can’t be said', (ms) => {
    expect(() => everyToCron(ms)).toThrow('--every: give 1m to 30m that divide the hour')
  })

  test('what is taken is what a library of cron takes', () => {
    const number = fc.integer({ min: 0, max: 12 }).map(String)
    const part = fc.oneof(
      fc.constant('*'),
      number,
      fc.tuple(number, number).map((two) => two.join('-')),
      fc.constantFrom('*/5', '1,3', '2-8/3'),
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 5, maxLength: 5 }), (parts) => {
        let time
        try {
          time = parseCron(parts.join(' '))
        } catch {
          return
        }
        const next = new Cron(time.text, { paused: true }).nextRun()!
        expect(time.minute ?? [next.getMinutes()]).toContain(next.getMinutes())
        expect(time.hour ?? [next.getHours()]).toContain(next.getHours())
        expect(time.month ?? [next.getMonth() + 1]).toContain(next.getMonth() + 1)
      }),
    )
  })
})

describe('the crontab', () => {
  const others = '# mine\nMAILTO=me\n*/5 * * * * echo "100\\%" # raibid-ci\n\n0 0 * * * x # raibid-ci raibid-rescan-00000000\n'

  test('a line that marks itself, with a path that cron reads as it is', () => {
    expect(lineOf(make())).toBe(
      `*/15 * * * * /bin/sh '/srv/ho"me 100\\% $x \\y/schedule/raibid-rescan-${mark(place)}.sh' # raibid-ci raibid-rescan-${mark(place)}`,
    )
  })

  test('is added, changed in its place, and removed; again each changes nothing', () => {
    const added = withLine(others, make())
    expect(added).toBe(`${others}${lineOf(make())}\n`)
    expect(withLine(added, make())).toBe(added)
    const more = `${added}1 1 1 1 1 later\n`
    const changed = withLine(more, make('0 3 * * *'))
    expect(changed).toBe(`${others}${lineOf(make('0 3 * * *'))}\n1 1 1 1 1 later\n`)
    expect(ourLines(changed, mark(place))).toEqual(new Map([[make().id, '0 3 * * *']]))
    expect(withoutLine(changed, make().id)).toBe(`${others}1 1 1 1 1 later\n`)
    expect(withoutLine(others, make().id)).toBe(others)
  })

  test('there twice, it is there once again', () => {
    const line = lineOf(make())
    expect(withLine(`${line}\nother\n${line}\n`, make())).toBe(`${line}\nother\n`)
  })

  test('another installation’s line is not ours', () => {
    expect(ourLines(others, mark(place)).size).toBe(0)
    expect(mark(place)).not.toBe(mark({ ...place, home: '/other' }))
  })

  test('whatever else stands there stays', () => {
    const line = fc.oneof(
      fc.constantFrom('', '# comment', '* * * * * x', lineOf(make()), 'MAILTO=""'),
      fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', '')),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.map((one) => `${one}\n`).join('')
        const theirs = (crontab: string) => crontab.split('\n').filter((one) => !one.endsWith(` # raibid-ci ${make().id}`))
        expect(theirs(withLine(text, make('1 1 * * *')))).toEqual(theirs(text))
        expect(withoutLine(text, make().id).split('\n')).toEqual(theirs(text))
      }),
    )
  })
})

describe('what runs', () => {
  test('the script: the environment that the recipe needs, and nothing secret', () => {
    const env = { ...place.env, RAIBID_CONFIG: 'my.yaml', RAIBID_GITHUB_TOKEN: 'hush', RAIBID_REDIS_URL: 'redis://:hush@h' }
    const text = scriptText(
      recurring('rescan', 'tasks/mirror/rescan.ts', ["it's", '$(x)'], parseCron('@hourly'), { ...place, env }),
    )
    expect(text).toContain(`export RAIBID_HOME='/srv/ho"me 100% $x \\y'\n`)
    expect(text).toContain("export RAIBID_CONFIG='/srv/ra ibid/my.yaml'\n")
    expect(text).toContain("cd '/srv/ra ibid' || exit 1")
    expect(text).toContain("'/srv/ra ibid/tasks/mirror/rescan.ts' 'it'\\''s' '$(x)'")
    expect(text).toMatch(/export PATH='[^']*:\/usr\/bin:/)
    expect(text).not.toMatch(/no\/such|relative|hush/)
  })

  test('the units: quoted as systemd reads them', () => {
    const it = make('30 4 1 * 5', ['a "b" $HOME %h \\x'])
    expect(serviceText(it)).toContain('Environment="RAIBID_HOME=/srv/ho\\"me 100%% $x \\\\y"\n')
    expect(serviceText(it)).toContain('WorkingDirectory=/srv/ra ibid\n')
    expect(serviceText(it)).toMatch(
      /^ExecStart=:"[^"]+" "\/srv\/ra ibid\/tasks\/mirror\/rescan\.ts" "a \\"b\\" \$HOME %%h \\\\x"$/m,
    )
    expect(timerText(it)).toContain('OnCalendar=*-*-01 04:30:00\nOnCalendar=Fri *-*-* 04:30:00\nPersistent=true\n')
  })

  test.each(['a\nb', 'a\u0000', 'a\r'])('%j can be told to no timer', (arg) => {
    expect(() => make('@daily', [arg])).toThrow('has a control character, which no timer can be told')
  })

  test.each([
    ['resan-all', 'is no recipe'],
    ['schedule', 'is no recipe'],
    ['setup', 'is no recipe'],
    ['doctr', 'did you mean doctor?'],
    ['--help', 'is no recipe'],
    [undefined, 'missing argument <recipe>'],
  ])('recipe %s', (recipe, why) => {
    const root = join(import.meta.dirname, '../../..')
    expect(() => taskOf(recipe, root, 'schedule')).toThrow(why)
  })

  test('secrets that only this shell has are named, not shown', () => {
    const root = mkdtempSync(join(tmpdir(), 'schedule-'))
    expect(secretsLeftBehind({ RAIBID_GITHUB_TOKEN: 'hush', RAIBID_GITEA_TOKEN: '' }, root)).toEqual(['RAIBID_GITHUB_TOKEN'])
  })
})

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  return expect.fail('no error')
}
