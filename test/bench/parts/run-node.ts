import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A whole run of node, from spawn to exit, ms. Throws, with what it said, unless it exits with 0. */
export async function runNode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const begin = performance.now()
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text) => (said += String(text)))
  const [code] = (await once(child, 'exit')) as [number | null]
  const took = performance.now() - begin
  if (code !== 0) throw new Error(`node ${args.join(' ')}: exit ${code}\n${said}`)
  return took
}
