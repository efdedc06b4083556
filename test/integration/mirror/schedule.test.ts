import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { runProcess, runTask, type Result } from '#test/helpers/run-process.ts'

// The clocks are stand-ins that keep what they are told: a crontab in a file, and a systemctl that writes down each call. (test/e2e has real ones.)
const crontabScript = `#!/bin/sh
case "$1" in
  -l) [ -f "$FAKE/crontab" ] || { echo "no crontab for $(id -un)" >&2; exit 1; }; cat "$FAKE/crontab" ;;
  *) [ -f "$FAKE/refuse" ] && { echo "errors in crontab file, can't install." >&2; exit 1; }; cat "$1" > "$FAKE/crontab" ;;
esac
`
const systemctlScript = `#!/bin/sh
echo "$*" >> "$FAKE/calls"
case "$*" in
  *is-active*) grep -q "restart" "$FAKE/calls" ;;
  *NextElapse*) echo NextElapseUSecRealtime=@1795295821; echo LastTriggerUSec=@1795292221 ;;
  *ExecMainStatus*) echo ExecMainStatus=3 ;;
esac
`

let folder: string
let env: NodeJS.ProcessEnv
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'schedule 100% '))
  mkdirSync(join(folder, 'bin'))
  for (const [name, text] of [
    ['crontab', crontabScript],
    ['systemctl', systemctlScript],
    ['loginctl', '#!/bin/sh\necho Linger=no\n'],
  ] as const) {
    writeFileSync(join(folder, 'bin', name), text)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  env = {
    ...{ PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, FAKE: folder, RAIBID_HOME: join(folder, 'home') },
    ...{ XDG_CONFIG_HOME: join(folder, 'config'), RAIBID_GITHUB_TOKEN: '', RAIBID_GITEA_TOKEN: '' },
  }
})
const schedule = (...args: string[]): Promise<Result> => runTask('tasks/mirror/schedule.ts', args, { env })
const crontab = () => readFileSync(join(folder, 'crontab'), 'utf8')
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')

describe('by cron', () => {
  const cron = ['--with', 'cron']

  test('installed, so already, changed, shown, removed, and nothing else touched', async () => {
    writeFileSync(join(folder, 'crontab'), '# mine\n1 2 3 4 5 echo 100\\%\n')
    const first = await schedule('install', 'doctor', '--every', '15m', ...cron)
    expect(first).toMatchObject({ code: 0, stdout: '' })
    expect(first.stderr).toContain('just doctor: installed, */15 * * * * by cron')
    const line = crontab().split('\n')[2]!
    expect(line).toMatch(
      /^\*\/15 \* \* \* \* \/bin\/sh '.*schedule 100\\% .*\/schedule\/raibid-doctor-[0-9a-f]{8}\.sh' # raibid-ci raibid-doctor-/,
    )
    expect((await schedule('install', 'doctor', '--every', '15m', ...cron)).stderr).toContain('just doctor: scheduled so already')
    expect((await schedule('install', 'doctor', '--cron', '0 3 * * mon', ...cron)).stderr).toContain(
      'just doctor: changed, 0 3 * * mon',
    )
    expect(crontab().split('\n')).toHaveLength(4)
    const shown = await schedule('show', 'doctor', '--json', ...cron)
    expect(JSON.parse(shown.stdout)).toEqual([
      expect.objectContaining({ recipe: 'doctor', time: '0 3 * * mon', by: 'cron', last: null }),
    ])
    expect(await schedule('remove', 'doctor', ...cron)).toMatchObject({ code: 0 })
    expect(crontab()).toBe('# mine\n1 2 3 4 5 echo 100\\%\n')
    expect((await schedule('remove', 'doctor', ...cron)).stderr).toContain('doctor was not scheduled')
    expect(await schedule('show', 'doctor', ...cron)).toMatchObject({ code: 1, stdout: '' })
    expect(readdirSync(join(folder, 'home/schedule'))).toEqual([])
  })

  test('what it runs: the recipe, with its flags, its output in a log, and how it ended', async () => {
    await schedule('install', 'doctor', '--every', '1m', ...cron, '--', '--jsn')
    const [, script = ''] = /\/bin\/sh '(.*)' #/.exec(crontab()) ?? []
    // as cron does: next to no environment, in another folder
    const ran = await runProcess('/bin/sh', [script.replaceAll('\\%', '%')], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', RAIBID_HOME: '' },
    })
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: '' })
    const [shown] = JSON.parse((await schedule('show', '--json', ...cron)).stdout) as {
      last: string
      lastCode: number
      log: string
    }[]
    expect(shown!.lastCode).toBe(2)
    expect(Date.now() - Date.parse(shown!.last)).toBeLessThan(60_000)
    expect(readFileSync(shown!.log, 'utf8')).toMatch(/^── \d{4}-.*\n✗ unknown flag --jsn; did you mean --json\?/)
  })

  test('a log that has grown is begun anew, and the old one kept once', async () => {
    await schedule('install', 'doctor', '--every', '1m', ...cron, '--', '--help')
    const [script] = readdirSync(join(folder, 'home/schedule'))
    const log = join(folder, 'home/schedule', script!.replace('.sh', '.log'))
    writeFileSync(log, 'x'.repeat(2_000_001))
    await runProcess('/bin/sh', [join(folder, 'home/schedule', script!)])
    expect(readFileSync(log, 'utf8')).toMatch(/^── /)
    expect(readFileSync(`${log}.1`, 'utf8')).toHaveLength(2_000_001)
  })

  test('a dry run writes nothing', async () => {
    const { code, stdout, stderr } = await schedule('install', 'doctor', '--every', '5m', '--dry-run', ...cron)
    expect([code, stdout]).toEqual([0, expect.stringContaining('*/5 * * * * /bin/sh')])
    expect(stderr).toContain('[dry-run] doctor would be installed (cron).')
    expect([existsSync(join(folder, 'crontab')), existsSync(join(folder, 'home/schedule'))]).toEqual([false, false])
  })

  test('a crontab that is refused is told', async () => {
    writeFileSync(join(folder, 'refuse'), '')
    const { code, stderr } = await schedule('install', 'doctor', '--every', '5m', ...cron)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("the crontab was not taken: errors in crontab file, can't install."),
    ])
  })

  test('a token that only this shell has is told of, and written nowhere', async () => {
    env['RAIBID_GITHUB_TOKEN'] = 'hush'
    const { stderr } = await schedule('install', 'doctor', '--every', '5m', ...cron)
    expect(stderr).toContain('only this shell has RAIBID_GITHUB_TOKEN: what runs by itself finds them in .env')
    const written = readdirSync(join(folder, 'home/schedule')).map((file) =>
      readFileSync(join(folder, 'home/schedule', file), 'utf8'),
    )
    expect(stderr + crontab() + written.join('')).not.toContain('hush')
  })
})

describe('by systemd', () => {
  const user = ['--with', 'systemd-user']
  const units = () => readdirSync(join(folder, 'config/systemd/user')).toSorted()

  test('installed, so already, shown, removed', async () => {
    const first = await schedule('install', 'doctor', '--every', '15m', ...user)
    expect(first).toMatchObject({ code: 0, stdout: '' })
    expect(first.stderr).toContain('it runs only while')
    const [service, timer] = units()
    expect(timer).toMatch(/^raibid-doctor-[0-9a-f]{8}\.timer$/)
    const unit = readFileSync(join(folder, 'config/systemd/user', service!), 'utf8')
    expect(unit).toContain(`Environment="RAIBID_HOME=${join(folder, 'home').replaceAll('%', '%%')}"`)
    expect(calls().slice(-5).slice(0, 3)).toEqual(['--user daemon-reload', `--user enable ${timer}`, `--user restart ${timer}`])
    const before = calls().length
    expect((await schedule('install', 'doctor', '--every', '15m', ...user)).stderr).toContain('scheduled so already')
    expect(
      calls()
        .slice(before)
        .filter((call) => /reload|enable|restart/.test(call)),
    ).toEqual([])
    const [shown] = JSON.parse((await schedule('show', '--json', ...user)).stdout) as object[]
    expect(shown).toMatchObject({
      ...{ recipe: 'doctor', time: '*/15 * * * *', by: 'systemd-user', lastCode: 3 },
      ...{ next: new Date(1_795_295_821_000).toISOString(), last: new Date(1_795_292_221_000).toISOString() },
      log: `journalctl --user -u ${timer!.slice(0, -6)}`,
    })
    expect(await schedule('remove', 'doctor', ...user)).toMatchObject({ code: 0 })
    expect(units()).toEqual([])
    expect(calls()).toContain(`--user disable --now ${timer}`)
    expect((await schedule('remove', 'doctor', ...user)).stderr).toContain('doctor was not scheduled')
  })

  test('what was in the crontab goes, or it would run twice', async () => {
    await schedule('install', 'doctor', '--every', '15m', '--with', 'cron')
    await schedule('install', 'doctor', '--every', '15m', ...user)
    expect(crontab()).toBe('')
    expect(units()).toHaveLength(2)
  })

  test('what systemctl refuses is told', async () => {
    writeFileSync(join(folder, 'bin/systemctl'), '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n')
    const { code, stderr } = await schedule('install', 'doctor', '--every', '15m', ...user)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('systemctl --user daemon-reload failed: Failed to connect to bus'),
    ])
  })
})

test.each([
  [['instal', 'doctor'], '"instal" is not one of install, remove, show'],
  [['install'], 'missing argument <recipe>'],
  [['install', 'doctor'], 'say how often'],
  [['install', 'doctor', '--every', '5m', '--cron', '* * * * *'], 'say how often'],
  [['install', 'doctor', '--every', '7m'], '--every: give 1m to 30m'],
  [['install', 'doctor', '--cron', '61 * * * *'], '"61" is no minute (0-59)'],
  [['install', 'nonsense', '--every', '5m'], 'is no recipe that a timer can run'],
  [['remove'], 'missing argument <recipe>'],
])('%j is wrong usage', async (args, why) => {
  expect(await schedule(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(why) as string })
})
