import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './redis-server.ts'
import { waitFor } from './wait-for.ts'

/** Debian's docker-registry on a free loopback port, with a folder of its own. */
export async function startOciRegistry() {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const config = { version: 0.1, storage: { filesystem: { rootdirectory: join(folder, 'data') } }, http: { addr: host } }
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config))
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  const url = `http://${host}`
  await waitFor('the registry', () =>
    fetch(`${url}/v2/`).then(
      ({ ok }) => ok,
      () => null,
    ),
  )
  return {
    host,
    url,
    tags: async (repository: string): Promise<string[]> => {
      const answer = await fetch(`${url}/v2/${repository}/tags/list`)
      return answer.ok ? ((await answer.json()) as { tags: string[] }).tags.sort() : []
    },
    digest: async (repository: string, tag: string): Promise<string | null> => {
      const accept = 'application/vnd.oci.image.manifest.v1+json'
      return (await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept } })).headers.get(
        'docker-content-digest',
      )
    },
    async stop(): Promise<void> {
      child.kill()
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
