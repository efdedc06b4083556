import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Whether a command is on PATH. */
export function has(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      return accessSync(join(folder, tool), constants.X_OK) === undefined
    } catch {
      return false
    }
  })
}
