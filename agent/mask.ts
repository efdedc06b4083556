/** Hides secrets in a stream of text, also where a secret is cut in two by the end of a chunk. */

export interface Masker {
  /** Gives what may be shown by now; holds back only what could be the beginning of a secret. */
  write(text: string): string
  /** The end of the text: gives what was held back. */
  flush(): string
}

/** A secret shorter than this is not masked: it would tear holes in ordinary text, and protects nothing. */
const shortest = 4
const shortestLine = 6
/** A longer secret is masked in pieces of about this length, so that little has to be held back or compared. */
const piece = 128

/** The parts of base64 text that don't depend on what stands before or after the secret, for the three ways it can be aligned. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const aligned = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
  })
  const whole = bytes.toString('base64')
  // The tool base64 breaks its lines after 76 characters, PEM and MIME writers after 64.
  const wrapped = [76, 64].flatMap((width) => (whole.length > width ? (whole.match(new RegExp(`.{1,${width}}`, 'g')) ?? []) : []))
  const standard = [...aligned, whole, whole.replace(/=+$/, ''), ...wrapped.filter((line) => line.length >= shortestLine)]
  return [...standard, ...standard.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]
}

function urlForms(secret: string): string[] {
  const encoded = encodeURIComponent(secret.toWellFormed())
  const strict = encoded.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  const forms = [encoded, strict, strict.replaceAll('%20', '+'), strict.replaceAll('~', '%7E')]
  return [...forms, ...forms.map((form) => form.replace(/%../g, (escape) => escape.toLowerCase()))]
}

function jsonForms(secret: string): string[] {
  const plain = JSON.stringify(secret).slice(1, -1)
  const ascii = plain.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [plain, plain.replaceAll('/', '\\/'), ascii]
}

function piecesOf(needle: string): string[] {
  const count = Math.max(1, Math.floor(needle.length / piece))
  const size = Math.ceil(needle.length / count)
  return Array.from({ length: count }, (_, i) => needle.slice(i * size, (i + 1) * size))
}

/** Every text that has to be hidden. */
function needlesOf(secrets: string[]): Set<string> {
  const lines = secrets.filter((secret) => /[\r\n]/.test(secret)).flatMap((secret) => secret.split(/[\r\n]+/))
  const parts = [
    ...secrets,
    ...secrets.map((secret) => secret.trim()),
    ...lines.map((line) => line.trim()).filter((line) => line.length >= shortestLine),
  ]
  const forms = [...new Set(parts)]
    .filter((part) => part.length >= shortest)
    .flatMap((part) => [part, ...base64Forms(part), ...urlForms(part), ...jsonForms(part)])
  return new Set(forms.filter((form) => form.length >= shortest).flatMap(piecesOf))
}

const pairOf = (text: string, i: number): number => ((text.charCodeAt(i - 1) << 8) ^ text.charCodeAt(i)) & 0xffff

/** The last character first: it differs where a long run of the same character would otherwise be compared again and again. */
const isAt = (text: string, needle: string, at: number): boolean =>
  text.charCodeAt(at + needle.length - 1) === needle.charCodeAt(needle.length - 1) && text.startsWith(needle, at)

/**
 * Replaces each secret by `***`: as it is, in base64 (however aligned), URL-encoded and JSON-escaped, and each line (≥ 6 characters)
 * of a secret that has several. Secrets of less than 4 characters are not masked. The result doesn't depend on where the text is cut.
 */
export function createMasker(secrets: string[]): Masker {
  const needles = needlesOf(secrets)
  if (needles.size === 0) return { write: (text) => text, flush: () => '' }

  const byStart = Map.groupBy(
    [...needles].sort((a, b) => b.length - a.length),
    (needle) => needle.slice(0, shortest),
  )
  const beginnings = new Set([...byStart.keys()].flatMap((start) => [start.slice(0, 1), start.slice(0, 2), start.slice(0, 3)]))
  // By the last two characters of a window of four: how far the window can move on without missing the start of a needle
  // (after Wu and Manber). Nearly always that's three characters.
  const shift = new Uint8Array(65_536).fill(shortest - 1)
  for (const start of byStart.keys()) {
    for (let i = 1; i < shortest; i++) {
      const pair = pairOf(start, i)
      shift[pair] = Math.min(shift[pair]!, shortest - 1 - i)
    }
  }
  const longest = Math.max(...Array.from(needles, (needle) => needle.length))
  let held = ''

  /** Whether the text's end, from `at` on, is the beginning of a needle that is longer. */
  function couldGrow(text: string, at: number): boolean {
    const rest = text.slice(at)
    if (rest.length < shortest) return beginnings.has(rest)
    return (byStart.get(rest.slice(0, shortest)) ?? []).some((needle) => needle.length > rest.length && needle.startsWith(rest))
  }

  function mask(text: string, atEnd: boolean): string {
    const shown: string[] = []
    let from = 0
    // `i` is the last character of the window that begins at `at`.
    for (let i = shortest - 1; i < text.length;) {
      const jump = shift[pairOf(text, i)]!
      if (jump > 0) {
        i += jump
        continue
      }
      const at = i - shortest + 1
      if (!atEnd && text.length - at < longest && couldGrow(text, at)) return shown.join('') + hold(text, from, at)
      const needle = byStart.get(text.slice(at, at + shortest))?.find((one) => isAt(text, one, at))
      if (needle === undefined) {
        i++
        continue
      }
      shown.push(text.slice(from, at), '***')
      from = at + needle.length
      i = from + shortest - 1
    }
    let end = atEnd ? text.length : Math.max(from, text.length - shortest + 1)
    while (end < text.length && !couldGrow(text, end)) end++
    return shown.join('') + hold(text, from, end)
  }

  function hold(text: string, from: number, at: number): string {
    held = text.slice(at)
    return text.slice(from, at)
  }

  return {
    write: (text) => mask(held === '' ? text : held + text, false),
    flush: () => mask(held, true),
  }
}

/** A short text that is there whole. */
export function maskWhole(text: string, secrets: string[]): string {
  const masker = createMasker(secrets)
  return masker.write(text) + masker.flush()
}
