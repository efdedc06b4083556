import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The text of a file (0600) that holds 32 random bytes as hex digits; with `make` it is made when it is missing. Throws what the file system throws. */
export function keyFile(path: string, make: boolean): string {
  const read = (): string => readFileSync(path, 'utf8').trim()
  try {
    return read()
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeKey(path)
    return read()
  }
}

/** Whole or not at all, and the first one wins. */
function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, randomBytes(32).toString('hex') + '\n', { mode: 0o600 })
  try {
    linkSync(fresh, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(fresh, { force: true })
  }
}
