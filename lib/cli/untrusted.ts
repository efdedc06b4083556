import { stripVTControlCharacters } from 'node:util'

// Escape sequences, and what reorders or hides text: branch names and commit subjects are written by strangers.
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
const hidden = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

/** One line of untrusted text, fit to be printed: no control, escape or direction characters; line breaks become spaces. */
export const safe = (text: string): string =>
  stripVTControlCharacters(text.toWellFormed().replace(breaks, ' ')).replace(hidden, '')

/** The same for text of several lines. */
export const safeLines = (text: string): string => text.split(/\r?\n/).map(safe).join('\n')
