/** Images that are built from a Dockerfile: what such a step is given, what it has pushed, and the tags that follow an accepted result. */
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openInside } from '#lib/artifacts/open-inside.ts'
import type { Config } from '#lib/config.ts'
import { files, stepEnv } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import type { ImageUse, PlannedStep } from '#lib/pipeline/types.ts'
import type { Job, Step } from '#lib/queue/types.ts'
import { branchTag, imagePath } from '#lib/registry/name.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { parseRepo } from '#lib/repo.ts'
import { gitIn, trustLocal } from './git.ts'

export type ImageConfig = Pick<Config, 'registry' | 'git' | 'home'>

type ImageJob = Pick<Job, 'repo' | 'origin' | 'fork'>

/** A fork, and a working tree that was never pushed, read the registry's layers without a login, and write nothing. */
const mayPush = ({ fork, origin }: ImageJob): boolean => !fork && !origin
const repoOf = ({ repo, origin }: ImageJob): string => origin ?? repo

/** What may become of the image of a job. */
export function imageUse({ registry }: ImageConfig, job: ImageJob): ImageUse {
  try {
    imagePath(repoOf(job))
  } catch (error) {
    return { registry: false, push: false, problem: messageOf(error) }
  }
  return { registry: registry !== null, push: registry !== null && mayPush(job) }
}

/** The variables of a step that builds an image; what buildah reads from files is written into `tmp`. */
export async function imageEnvironment(
  { registry, git }: ImageConfig,
  job: ImageJob,
  tmp: string,
  env: Record<string, string>,
): Promise<Record<string, string>> {
  const given: Record<string, string> = { [stepEnv.image]: `${registry?.host ?? 'localhost'}/${imagePath(repoOf(job))}` }
  if (!registry) return given
  const keep = async (name: string, text: string): Promise<string> => {
    await writeFile(join(tmp, name), text, { mode: 0o600 })
    return join(tmp, name)
  }
  const login = git.credentials.find(({ host }) => host === registry.host)
  if (login && mayPush(job)) {
    const auth = Buffer.from(`${login.user}:${login.token}`).toString('base64')
    given['REGISTRY_AUTH_FILE'] = await keep('registry-auth.json', JSON.stringify({ auths: { [registry.host]: { auth } } }))
  }
  if (registry.insecure) {
    // added to what the machine says: --tls-verify=false would hold for every other registry, too
    const paths = [join(env['HOME'] ?? '/', '.config/containers/registries.conf'), '/etc/containers/registries.conf']
    let said = ''
    for (const path of paths) said ||= await readFile(path, 'utf8').catch(() => '')
    const entry = `\n[[registry]]\nlocation = ${JSON.stringify(registry.host)}\ninsecure = true\n`
    given['CONTAINERS_REGISTRIES_CONF'] = await keep('registries.conf', said + entry)
  }
  return given
}

/** Writes on a step which image it has pushed. */
export async function noteImage({ image }: PlannedStep, step: Step, env: Record<string, string>): Promise<void> {
  if (!image || step.state !== 'success') return
  const file = await openInside(env['TMPDIR']!, image.digestFile).catch(() => null)
  if (!file) return
  const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0)
  await file.close()
  const digest = buffer.toString('latin1', 0, bytesRead).trim()
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) step.image = { name: `${env[stepEnv.image]}:${env[stepEnv.commit]}`, digest }
}

/**
 * Moves the tags of an accepted image: that of its branch, and `latest` where this is the default branch. Only while the branch stands on the
 * commit that was built: an old commit that is built again moves nothing. Gives what was done, in words.
 */
export async function publishImage(config: ImageConfig, job: Job, steps: readonly Step[], mark: string): Promise<string | null> {
  const image = steps.find((step) => step.image)?.image
  if (!image || !config.registry || !mayPush(job)) return null
  const [host, commit] = [config.registry.host, image.name.slice(image.name.lastIndexOf(':') + 1)]
  const branches = await headsOf(config, job, mark)
  const branch = job.branch || branches.main
  if (!branch || branches.heads.get(branch) !== commit) return `${image.name}: its branch has moved on, and so no tag was moved`
  const tags = [branchTag(branch), ...(branch === branches.main ? ['latest'] : [])]
  const { tagImage } = await import('#lib/registry/tag.ts')
  const repository = image.name.slice(host.length + 1, image.name.lastIndexOf(':'))
  await tagImage({ registry: config.registry, repository, digest: image.digest, tags }, config.git.credentials)
  return `${image.name}: tagged ${tags.join(', ')}`
}

/** The default branch of a repository, and the commits that it and the job's branch stand on. Asked outside the workspace: its git settings are the build's. */
async function headsOf({ home, git: { credentials } }: ImageConfig, { repo, branch }: Job, mark: string) {
  await mkdir(join(home, files.work), { recursive: true })
  const dir = await mkdtemp(join(home, files.work, `${mark}-publish-`))
  try {
    const { kind, url } = parseRepo(repo)
    const local = kind === 'path' ? url : ''
    await mkdir(join(dir, '.git'))
    if (local) trustLocal(dir, local)
    const signal = AbortSignal.timeout(60_000)
    const git = gitIn({ dir, env: process.env, mark, credentials, signal, local, onOutput: () => {} })
    const { exitCode, text } = await git.script(
      'exec git ls-remote --symref -- "$1" HEAD "$2" >&2',
      url,
      `refs/heads/${branch || 'HEAD'}`,
    )
    if (exitCode !== 0) throw new Error(`git ls-remote ended with exit code ${exitCode}: ${text.trim().slice(0, 200)}`)
    return readHeads(text)
  } finally {
    await removeFolder(dir).catch(() => {})
  }
}

/** What `git ls-remote --symref` prints. */
export function readHeads(text: string): { main: string; heads: Map<string, string> } {
  const main = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(text)?.[1] ?? ''
  const heads = new Map([...text.matchAll(/^([0-9a-f]{40,64})\trefs\/heads\/(\S+)$/gm)].map(([, id, name]) => [name!, id!]))
  const head = /^([0-9a-f]{40,64})\tHEAD$/m.exec(text)?.[1]
  if (main && head) heads.set(main, head)
  return { main, heads }
}
