#!/usr/bin/env node
/** Build the image of the agents and of `serve`. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { formatDuration } from '#lib/duration.ts'

export const spec = {
  name: 'image',
  group: 'cluster',
  summary: 'Build the image of the agents, with docker, buildah or nerdctl',
  flags: {
    stage: { type: 'string', choices: ['default', 'rust'], default: 'default', description: 'how much is in it' },
    tag: { type: 'string', placeholder: '<name:tag>', description: 'its name; default: localhost/raibid-agent:<version>[-rust]' },
    platform: { type: 'list', placeholder: '<os/arch>', description: 'for other processors, as linux/arm64; may be repeated' },
    base: { type: 'string', placeholder: '<image>', description: 'another Debian to start from' },
    with: { type: 'string', choices: ['docker', 'buildah', 'nerdctl'], description: 'default: the first that works' },
    ca: {
      type: 'string',
      placeholder: '<file>',
      description: 'certificates to trust while building; default: NODE_EXTRA_CA_CERTS',
    },
    push: { type: 'boolean', description: 'push it to the registry in its name' },
    'dry-run': { type: 'boolean', description: 'only say the commands' },
    json: { type: 'boolean', description: 'print { tag, builder, bytes, ms }' },
  },
  examples: ['just image', 'just image --stage rust --platform linux/arm64', 'just image --tag git.forge.lan/ci/agent:1 --push'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const [{ builders, findBuilder, imageCommands, imageSize, runCommand, saveCommand }, { agentImage }] = await Promise.all([
    import('#lib/cluster/image-builder.ts'),
    import('#lib/cluster/pod-settings.ts'),
  ])
  const stage = args.stage === 'rust' ? 'rust' : 'default'
  const tag = args.tag ?? agentImage(stage)
  const builder = await findBuilder(builders.filter((name) => args.with === undefined || name === args.with))
  const { platform: platforms, base, push, ca = process.env['NODE_EXTRA_CA_CERTS'] } = args
  const started = Date.now()
  for (const command of imageCommands(builder, { stage, tag, platforms, base, push, ca })) {
    step(`${args.dryRun ? '[dry-run] ' : ''}${command.join(' ')}`)
    if (!args.dryRun) await runCommand(command, signal)
  }
  if (args.dryRun) return
  const [ms, bytes] = [Date.now() - started, await imageSize(builder, tag)]
  if (args.json) printJson({ tag, builder, bytes, ms })
  else print(tag)
  ok(`Built in ${formatDuration(ms)}${bytes ? `: ${(bytes / 1e6).toFixed(0)} MB` : ''}.`)
  if (!push)
    info(
      `  into k3s: ${saveCommand(builder, tag, 'agent.tar').join(' ')} && sudo k3s ctr images import agent.tar (just bootstrap does both)`,
    )
}

if (import.meta.main) await main(spec, run)
