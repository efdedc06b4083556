import { html } from 'hono/html'
import type { JobState } from '#lib/queue/types.ts'
import type { Html } from './layout.ts'

const colours: Partial<Record<JobState, string>> = { success: '#15713a', failed: '#b3261e', dead: '#b3261e', running: '#0b57b8' }

/** The state of a branch as a small picture. `null`: nothing was built of it. */
export function badge(label: string, state: JobState | null): Html {
  const text = state ?? 'unknown'
  // DejaVu and Verdana at 11 px are about 7 px a letter
  const [left, right] = [label, text].map((one) => one.length * 7 + 10) as [number, number]
  const colour = (state && colours[state]) ?? '#5b6370'
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    width="${left + right}"
    height="20"
    role="img"
    aria-label="${label}: ${text}"
  >
    <title>${label}: ${text}</title>
    <rect width="${left}" height="20" fill="#444" />
    <rect x="${left}" width="${right}" height="20" fill="${colour}" />
    <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
      <text x="${left / 2}" y="14">${label}</text>
      <text x="${left + right / 2}" y="14">${text}</text>
    </g>
  </svg>`
}
