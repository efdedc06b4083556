import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let tried: string | null | undefined

/** Why a small disk can't be mounted here; null when it can. Tried once: root in a container often may not. */
export function whyNoMount(): string | null {
  if (tried !== undefined) return tried
  const folder = mkdtempSync(join(tmpdir(), 'raibid-mount-'))
  const unmount = mountWorkDisk(folder)
  unmount?.()
  rmSync(folder, { recursive: true, force: true })
  return (tried = unmount ? null : 'a small tmpfs can’t be mounted here')
}

/** A disk of its own for the workspaces, small enough to be filled. Gives what unmounts it; null when the machine does not allow a mount. */
export function mountWorkDisk(folder: string): (() => void) | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'raibid-chaos', folder], { stdio: 'ignore' })
  } catch {
    return null
  }
  return () => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
}
