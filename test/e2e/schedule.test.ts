import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { runProcess } from '#test/helpers/run-process.ts'

// The real cron and a real systemd of a user, each with a spool and a /run of its own in a mount namespace: nothing of this machine is changed.
const wanted = Boolean(process.env['RAIBID_TEST_CLOCKS'])
const clock = test.skipIf(!wanted)
const named = (name: string): string => (wanted ? name : `${name} [skipped: RAIBID_TEST_CLOCKS not set]`)

/** Runs a script in the namespace, with `schedule` for the recipe, and gives what it printed. */
async function inside(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'clock 100% '))
  for (const name of ['run', 'spool', 'home']) mkdirSync(join(folder, name))
  const path = join(folder, 'script.sh')
  writeFileSync(
    path,
    `set -e
schedule() { "${process.execPath}" "${root}/tasks/mirror/schedule.ts" "$@"; }
until_ran() { for n in $(seq 1 80); do schedule show --json --with "$1" | grep -q '"last": "' && return; sleep 1; done; exit 9; }
chgrp crontab "$SCRATCH/spool" && chmod 1730 "$SCRATCH/spool"
mount --bind "$SCRATCH/spool" /var/spool/cron/crontabs
mount -t tmpfs none /run
${script}`,
  )
  const env = { SCRATCH: folder, HOME: folder, RAIBID_HOME: join(folder, 'home'), XDG_CONFIG_HOME: join(folder, 'config') }
  const { code, stdout, stderr } = await runProcess('unshare', ['-m', '--propagation', 'private', 'bash', path], { env })
  expect(code, stderr).toBe(0)
  return stdout
}

clock(
  named('cron: seen to fire within a minute, then removed, with everybody else’s lines as they were'),
  async () => {
    const printed = await inside(`
printf '# mine\\n0 5 * * 1 echo 100\\\\%%\\n' | crontab -
schedule install doctor --every 1m --with cron -- --json
cron -f & clock=$!
until_ran cron
schedule show --json --with cron
schedule remove doctor --with cron
kill $clock
crontab -l`)
    expect(printed).toContain('"by": "cron"')
    expect(printed).toMatch(/"lastCode": [01],/)
    expect(printed.slice(printed.lastIndexOf(']') + 2)).toBe('# mine\n0 5 * * 1 echo 100\\%\n')
  },
  120_000,
)

clock(
  named('systemd: seen to fire within a minute, then removed'),
  async () => {
    const printed = await inside(`
mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0
/lib/systemd/systemd --user & clock=$!
for n in $(seq 1 50); do systemctl --user is-system-running && break; sleep 0.2; done
schedule install doctor --every 1m --with systemd-user -- --json
systemd-analyze --user verify --man=no "$XDG_CONFIG_HOME"/systemd/user/*.timer
until_ran systemd-user
schedule show --json --with systemd-user
systemctl --user show -p Environment 'raibid-doctor-*.service'
schedule remove doctor --with systemd-user
systemctl --user list-timers --all
kill $clock; wait $clock || true`)
    expect(printed).toContain('"by": "systemd-user"')
    expect(printed).toMatch(/"lastCode": [01],/)
    expect(printed).toContain('0 timers listed')
  },
  120_000,
)
