import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#lib/config.ts'
import { files } from '#lib/contract.ts'

/** Where forges and browsers find serve: `publicUrl`, else that of the cluster that is worked with, else the address that it noted when it started here; null: it is not known. */
export function serveAddress({ home, publicUrl, cluster }: Pick<Config, 'home' | 'publicUrl' | 'cluster'>): string | null {
  const url = publicUrl ?? cluster?.serveUrl ?? noted(join(home, files.serveUrl))
  return url ? url.replace(/\/+$/, '') : null
}

function noted(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null
  } catch {
    return null
  }
}
