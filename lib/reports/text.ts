import { TextDecoder } from 'node:util'
import type { FileHandle } from 'node:fs/promises'
import { ReportError } from './junit.ts'

const pieceSize = 64 * 1024

/** The encoding that the beginning of an XML file names: by its byte order mark, else in its declaration, else UTF-8. */
export function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  const declaration = /^(?:\xef\xbb\xbf)?<\?xml[^>]{0,100}\sencoding=["']([\w.:-]{1,40})["']/.exec(
    head.toString('latin1', 0, 200),
  )
  const named = declaration?.[1]?.toLowerCase() ?? 'utf-8'
  // bytes that were read as a declaration of one byte each can't be UTF-16
  return named.startsWith('utf-16') ? 'utf-8' : named
}

/** The text of an XML file of `size` bytes, in pieces. ReportError for an encoding that nobody knows. */
export async function* xmlText(file: FileHandle, size: number): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(pieceSize)
  let decoder: TextDecoder | undefined
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(pieceSize, size - at), at)
    if (bytesRead === 0) break
    const bytes = buffer.subarray(0, bytesRead)
    decoder ??= decoderOf(encodingOf(bytes))
    at += bytesRead
    yield decoder.decode(bytes, { stream: at < size })
  }
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding)
  } catch {
    throw new ReportError(`is written in the unknown encoding ${encoding}`)
  }
}
