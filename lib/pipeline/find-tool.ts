/** Whether a program is there, asked without running it. */
import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, delimiter, join } from 'node:path'

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const entriesOf = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The program that a shell with this PATH would run for `name`; null when there is none. */
export function findTool(name: string, path: string): string | null {
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/'))
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null
}

/** Like findTool, but rustup's stand-ins (it puts one for every tool it knows) count only when a toolchain has the tool. */
export function hasTool(name: string, env: Record<string, string>): boolean {
  const found = findTool(name, env['PATH'] ?? '')
  if (found === null || !/^(?:rustup|rustup-init)$/.test(basename(realpathSync(found)))) return found !== null
  const toolchains = join(env['RUSTUP_HOME'] ?? join(env['HOME'] ?? homedir(), '.rustup'), 'toolchains')
  return entriesOf(toolchains).some((toolchain) => isProgram(join(toolchains, toolchain, 'bin', name)))
}
