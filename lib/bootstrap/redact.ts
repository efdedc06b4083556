import { mask } from '#lib/exec.ts'

/** What a secret looks like, whoever it belongs to; the first group is kept. */
const shapes: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // a login in a URL
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi,
  /(\b(?:Bearer|Basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}/g,
  // tokens of k3s, GitHub, GitLab, Slack, age; JSON web tokens
  /(\bK10)[0-9a-f]{20,}(?:::\S+)?/g,
  /(\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AGE-SECRET-KEY-))[A-Za-z0-9_-]{10,}/g,
  /(\beyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  // `password: x`, `"token": "x"`, `SECRET_KEY=x`, client-key-data
  /((?:^|[\s"',;{&?-])[\w.-]*(?:passwo?r?d|passwd|secret|token|api-?_?key|secret-?_?key|key-data|credentials?)["']?\s*[:=]\s*["']?)[^\s"',;&]{4,}/gim,
]

/** A text without what looks like a secret and without these values. */
export const redactText = (text: string, secrets: readonly string[] = []): string =>
  shapes.reduce((so, shape) => so.replace(shape, '$1***'), mask(text, secrets))
