/** Reads the test reports that a step has written: which files, within which bounds, and what they say together. */
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findFiles } from '#lib/artifacts/find.ts'
import { openInside } from '#lib/artifacts/open-inside.ts'
import { formatBytes } from '#lib/bytes.ts'
import { messageOf } from '#lib/errors.ts'
import type { TestReport } from '#lib/queue/types.ts'

const maxFiles = 500
const maxFile = 16 * 2 ** 20
const maxAll = 64 * 2 ** 20

export interface Reports {
  /** Patterns of reports in the workspace. */
  reports: readonly string[]
  /** Patterns of artifacts: what of them is JUnit is a report, too. */
  artifacts: readonly string[]
}

/** The time at which a file system would say that something was written now: it ticks more slowly than the clock, and may be another machine's. */
export async function fileTime(marker: string): Promise<bigint> {
  await mkdir(dirname(marker), { recursive: true })
  const file = await open(marker, 'w', 0o600)
  try {
    await file.write('.')
    return (await file.stat({ bigint: true })).mtimeNs
  } finally {
    await file.close()
  }
}

/**
 * What the reports say that were written since `since`; null when there is none. `tmp`: names of reports in the folder `tmpFolder`. `say` is told
 * what could not be read, and why.
 */
export async function readReports(
  { reports, artifacts }: Reports,
  {
    workspace,
    since,
    tmpFolder,
    tmp,
    mask,
    say,
  }: {
    workspace: string
    since: bigint
    tmpFolder: string
    tmp: readonly string[]
    mask: (text: string) => string
    say: (text: string) => void
  },
): Promise<TestReport | null> {
  const wanted = reports.length ? await findFiles(workspace, reports, maxFiles) : null
  const kept = artifacts.length ? await findFiles(workspace, artifacts, 2 * maxFiles) : null
  if (wanted?.cut) say(`there are more than ${maxFiles} test reports: the others were not read`)
  const files = [
    ...tmp.map((name) => [tmpFolder, name] as const),
    ...new Set([...(wanted?.paths ?? []), ...(kept?.paths ?? []).filter((path) => path.toLowerCase().endsWith('.xml'))])
      .values()
      .map((path) => [workspace, path] as const),
  ]
  let sum: TestReport | null = null
  let read = 0
  for (const [folder, path] of files) {
    if (!(await isFresh(join(folder, path), since))) continue
    // nothing of this is loaded for a build without reports
    const { parseJunit, addReports, ReportError } = await import('./junit.ts')
    const { xmlText } = await import('./text.ts')
    let file: FileHandle | undefined
    try {
      file = await openInside(folder, path)
      const { size } = await file.stat()
      if (size > maxFile) throw new ReportError(`has ${formatBytes(size)}; at most ${formatBytes(maxFile)} are read`)
      if ((read += size) > maxAll) throw new ReportError(`all reports together have more than ${formatBytes(maxAll)}`)
      const one = await parseJunit(xmlText(file, size), mask)
      if (one) sum = sum ? addReports(sum, one) : one
      else if (wanted?.paths.includes(path)) throw new ReportError('is XML, but not JUnit')
    } catch (error) {
      say(`test report ${path}: ${messageOf(error).replace(`${path}: `, '')}`)
    } finally {
      await file?.close()
    }
  }
  return sum
}

const isFresh = (path: string, since: bigint): Promise<boolean> =>
  stat(path, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs >= since,
    () => false,
  )
