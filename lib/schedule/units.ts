/** What systemd is told: a timer, and the service that it starts. */
import { toOnCalendar } from './cron-time.ts'
import type { Recurring } from './recurring.ts'

/** A word of ExecStart or Environment: quotes and backslashes as in C, and `%` is systemd's own. */
const unitQuote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`

const head = ({ recipe }: Recurring): string =>
  `# Written by \`just schedule install ${recipe}\`; \`just schedule remove ${recipe}\` takes it away.`

const described = ({ recipe, args }: Recurring): string =>
  `Description=raibid-ci: just ${[recipe, ...args].join(' ').replaceAll('%', '%%').slice(0, 200)}`

export function serviceText(it: Recurring): string {
  const environment = Object.entries(it.env).map(([name, value]) => `Environment=${unitQuote(`${name}=${value}`)}`)
  // the colon: what looks like a variable is none
  const command = [it.node, it.task, ...it.args].map(unitQuote).join(' ')
  return [
    ...[head(it), '[Unit]', described(it), ''],
    ...['[Service]', 'Type=oneshot', `WorkingDirectory=${it.root.replaceAll('%', '%%')}`, ...environment],
    ...[`ExecStart=:${command}`, ''],
  ].join('\n')
}

export function timerText(it: Recurring): string {
  const times = toOnCalendar(it.time).map((time) => `OnCalendar=${time}`)
  return [
    ...[head(it), '[Unit]', described(it), ''],
    // what was due while the machine slept is run once when it wakes; systemd's own idea of "about that time" is a minute
    ...[`# ${it.time.text}`, '[Timer]', ...times, 'Persistent=true', 'AccuracySec=1s', ''],
    ...['[Install]', 'WantedBy=timers.target', ''],
  ].join('\n')
}
