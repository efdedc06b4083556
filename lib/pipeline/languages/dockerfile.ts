import { stepEnv } from '#lib/contract.ts'
import type { Pipeline } from '../types.ts'

const names = ['Dockerfile', 'Containerfile']
const digestFile = 'image.digest'
// values, and not the names of a repository, a registry or a commit, are what the shell puts in
const image = `"$${stepEnv.image}:$${stepEnv.commit}"`
const cache = `"$${stepEnv.image}/cache"`

export default {
  name: 'dockerfile',
  looksFor: names.join(' or '),
  last: true,
  async detect(workspace) {
    for (const name of names) if (await workspace.has(name)) return true
    return false
  },
  async steps({ workspace, has, image: { registry, push, problem } }) {
    const file = (await workspace.has(names[0]!)) ? names[0]! : names[1]!
    const skip = problem ?? (has('buildah') ? undefined : 'buildah is not installed')
    // chroot: it needs no privilege and no runtime
    const build = [
      `buildah build --isolation chroot --layers --file ${file}`,
      ...(registry ? [`--cache-from ${cache}`] : []),
      ...(push ? [`--cache-to ${cache}`] : []),
      `--tag ${image} .`,
    ]
    const send = `buildah push --quiet --digestfile "$TMPDIR/${digestFile}" ${image}`
    const run = [build.join(' '), ...(push ? [send] : [])].join('\n')
    return [{ name: 'image', run, image: { digestFile }, ...(skip && { skip }) }]
  },
} satisfies Pipeline
