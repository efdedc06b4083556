/** Loaded before a task (`--import`): writes to the file `$RAIBID_MODULES`, as the process ends, what files it loaded, a line each. */
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const file = process.env['RAIBID_MODULES']
const loaded = new Set<string>()
if (file) {
  registerHooks({
    load(url, context, next) {
      if (!url.startsWith('node:')) loaded.add(url)
      return next(url, context)
    },
  })
  process.on('exit', () => writeFileSync(file, [...loaded].join('\n')))
}
