import { chownSync, statSync } from 'node:fs'

/** Under sudo, what root has just made in a person's folders becomes the person's: else `just status` could not read it afterwards. */
export function giveBack(paths: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const [uid, gid] = [Number(env['SUDO_UID']), Number(env['SUDO_GID'])]
  if (process.getuid?.() !== 0 || !(uid > 0) || !(gid > 0)) return
  for (const path of paths) if (statSync(path, { throwIfNoEntry: false })?.uid === 0) chownSync(path, uid, gid)
}
