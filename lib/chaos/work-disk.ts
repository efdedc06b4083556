import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Why a small disk can't be mounted here; null when it can. */
export const whyNoMount = (): string | null => (process.getuid?.() === 0 ? null : 'mounting a small tmpfs needs root')

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
