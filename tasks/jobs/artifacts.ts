#!/usr/bin/env node
/** List the files that a job kept, or get them. */
import { join } from 'node:path'
import { fetchArtifact, fetchProblems } from '#lib/artifacts/fetch.ts'
import { keptBy } from '#lib/artifacts/kept.ts'
import { openStore, type OpenStore, type Place } from '#lib/artifacts/store.ts'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import type { Artifact } from '#lib/queue/types.ts'

export const spec = {
  name: 'artifacts',
  group: 'jobs',
  summary: 'List the files that a job kept, or get them',
  positionals: [
    { name: 'job', description: 'id, a tail of it, @latest (default) or @failed' },
    { name: 'paths', description: 'only these; default: all of them', variadic: true },
  ],
  flags: {
    get: { type: 'boolean', description: 'write them below a folder; nothing that exists is replaced' },
    into: { type: 'string', description: 'that folder; default: artifacts-<end of the id>, here', placeholder: '<folder>' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just artifacts', 'just artifacts 7QK2 --get', 'just artifacts @latest target/release/app --get --into /tmp/app'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  if (args.into !== undefined && !args.get) throw new UsageError('--into says where to write: it needs --get.')
  const { reader, config } = await openQueue()
  const job = await reader.job(await nameToId(reader, args.job ?? '@latest'))
  if (!job) throw new RaibidError('this job has been forgotten meanwhile')
  const store = await openStore(config)
  const { place, artifacts, note } = await keptBy(job, store)
  if (note) warn(note)
  const wanted = artifacts.map((artifact, index) => ({ artifact, index })).filter(chosen(args.paths, artifacts))
  if (args.get) return get(store, place, wanted, args.into ?? `artifacts-${shortId(job.id)}`, { signal, json: args.json })
  if (args.json) printJson({ job: job.id, attempt: place.attempt, artifacts: wanted.map(({ artifact }) => artifact) })
  else if (wanted.length) print(shown(wanted.map(({ artifact }) => artifact)))
  else info(`job ${shortId(job.id)} kept no files`)
  return 0
}

/** Those that were named. RaibidError for a name that is none of them. */
function chosen(paths: string[], artifacts: Artifact[]): (one: { artifact: Artifact }) => boolean {
  const unknown = paths.filter((path) => !artifacts.some((artifact) => artifact.path === path))
  if (unknown.length) throw new RaibidError(`the job kept no ${unknown.map((path) => JSON.stringify(path)).join(', ')}`)
  return ({ artifact }) => paths.length === 0 || paths.includes(artifact.path)
}

const shown = (artifacts: Artifact[]): string =>
  table(artifacts, [
    { title: 'PATH', value: ({ path }) => path },
    { title: 'BYTES', value: ({ bytes }) => bytes },
    { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 12) },
  ])

async function get(
  store: OpenStore,
  place: Place,
  wanted: { artifact: Artifact; index: number }[],
  into: string,
  { signal, json }: { signal: AbortSignal; json: boolean },
): Promise<number> {
  const artifacts = wanted.map(({ artifact }) => artifact)
  const problems = await fetchProblems(into, artifacts)
  if (problems.length)
    throw new RaibidError(`nothing was written below ${into}:\n${problems.map((one) => `  ${safe(one)}`).join('\n')}`)
  for (const one of wanted) {
    await fetchArtifact(store, place, { ...one, folder: into }, signal)
    if (!json) print(safe(join(into, one.artifact.path)))
  }
  if (json) printJson({ job: place.job, attempt: place.attempt, folder: into, artifacts })
  else if (wanted.length) ok(`${wanted.length} file${wanted.length === 1 ? '' : 's'} below ${into}`)
  else info(`job ${shortId(place.job)} kept no files`)
  return 0
}

if (import.meta.main) await main(spec, run)
