// Turns a build's output into HTML: colours become classes, every other escape sequence goes, and all text is escaped. Read by node for the
// pages and by the browser for what comes live.

/** The style that holds from here on, as classes: it goes on over line breaks. */
export const plain = () => ({ fg: '', bg: '', bold: false, dim: false, italic: false, under: false })

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escapeHtml = (text) => text.replace(/[&<>"']/g, (letter) => escapes[letter])

// colours and styles; any other CSI; OSC (titles, links); what is left of a control character
const sequence =
  /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)?|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

function set(style, codes) {
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]
    if (code === 0) Object.assign(style, plain())
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 3) style.italic = true
    else if (code === 4) style.under = true
    else if (code === 22) style.bold = style.dim = false
    else if (code === 23) style.italic = false
    else if (code === 24) style.under = false
    else if (code >= 30 && code <= 37) style.fg = `f${code - 30}`
    else if (code === 39) style.fg = ''
    else if (code >= 40 && code <= 47) style.bg = `b${code - 40}`
    else if (code === 49) style.bg = ''
    else if (code >= 90 && code <= 97) style.fg = `f${code - 82}`
    else if (code >= 100 && code <= 107) style.bg = `b${code - 92}`
    else if (code === 38 || code === 48) {
      // of 256 colours the sixteen that a style sheet has; of others none
      const short = codes[i + 1] === 5 && codes[i + 2] < 16 ? codes[i + 2] : null
      if (short !== null) style[code === 38 ? 'fg' : 'bg'] = `${code === 38 ? 'f' : 'b'}${short}`
      i += codes[i + 1] === 5 ? 2 : 4
    }
  }
}

const classes = ({ fg, bg, bold, dim, italic, under }) =>
  [fg, bg, bold && 'bold', dim && 'dim', italic && 'italic', under && 'under'].filter(Boolean).join(' ')

/** One line, without its break. `style` is changed to what holds at its end. */
export function lineToHtml(line, style) {
  // what a progress bar wrote over is not shown
  const shown = line.replace(/\r+$/, '')
  const text = shown.slice(shown.lastIndexOf('\r') + 1)
  let html = ''
  let at = 0
  const put = (piece) => {
    if (!piece) return
    const names = classes(style)
    html += names ? `<span class="${names}">${escapeHtml(piece)}</span>` : escapeHtml(piece)
  }
  for (const match of text.matchAll(sequence)) {
    put(text.slice(at, match.index))
    at = match.index + match[0].length
    if (match[1] !== undefined) set(style, match[1] === '' ? [0] : match[1].split(/[;:]/).slice(0, 32).map(Number))
  }
  put(text.slice(at))
  return html
}
