/** Registries' caches of a job that somebody from outside wrote: its own, empty ones, so that its tools can't put anything into everybody's. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The variables that say so, for folders under `folder`. What the repository sets of them must not outrank these. */
export async function forkRegistries(folder: string, env: Record<string, string>): Promise<Record<string, string>> {
  const cargo = join(folder, 'cargo')
  await mkdir(cargo, { recursive: true, mode: 0o700 })
  const own = env['CARGO_HOME'] ?? join(env['HOME'] ?? '/', '.cargo')
  for (const name of ['config.toml', 'config']) {
    const text = await readFile(join(own, name), 'utf8').catch(() => null)
    // mirrors and proxies are wanted, logins are not
    if (text !== null && !/token|secret|credential|password/i.test(text))
      await writeFile(join(cargo, name), text, { mode: 0o600 })
  }
  return {
    CARGO_HOME: cargo,
    npm_config_cache: join(folder, 'npm'),
    PIP_CACHE_DIR: join(folder, 'pip'),
    UV_CACHE_DIR: join(folder, 'uv'),
    GOMODCACHE: join(folder, 'go-mod'),
    GOCACHE: join(folder, 'go-build'),
  }
}
