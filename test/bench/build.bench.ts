import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { planSteps } from '#lib/pipeline/plan.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'
import { root } from '#lib/config.ts'
import { env as names } from '#lib/contract.ts'
import { makeRepository } from '#lib/demo/repositories.ts'
import { messageOf } from '#lib/errors.ts'
import { gitWith } from '#lib/git.ts'
import { alternate, goal, ratio, series, timed, type Bench, type Context, type Findings } from './harness.ts'
import { benchPool, enqueue, followed, rest, specOf, type BenchPool } from './parts/pool.ts'
import { scratch, type Scratch } from './parts/scratch.ts'

interface Built {
  name: string
  path: string
  commit: string
  real: boolean
}

export default {
  summary: 'Whole builds under the agent, and the same commands in a shell',
  run: (context) =>
    scratch(context.signal, async (open): Promise<Findings> => {
      const findings: Findings = { series: [], ratios: [], goals: [], notes: [...notes] }
      const caches = { CARGO_HOME: join(open.folder, 'cargo'), npm_config_cache: join(open.folder, 'npm') }
      // the same work for both: what the agent keeps of a build is emptied before the next
      const kept = join(open.folder, 'kept')
      const pool = await benchPool(open, { max: 1, warm: 0 }, { ...caches, [names.cache]: kept })
      // as an agent has one: what a test keeps under fixed names in /tmp must not meet another's
      const tmp = join(open.folder, 'tmp')
      await mkdir(tmp)
      const env = stepEnvironment({ base: { ...process.env, ...caches, TMPDIR: tmp }, extra: { CI: 'true' }, pass: [] })
      const { repos, absent } = await repositories(open, context)
      findings.notes.push(...absent)
      for (const repo of repos) {
        context.say(repo.name)
        await measure(repo).catch((error: unknown) => {
          // a test of theirs that fails now and then must not cost what was measured of the others
          if (context.signal.aborted || !repo.real) throw error
          findings.notes.push(`Left out: ${repo.name}: ${messageOf(error).split(/;|\n/)[0]}.`)
        })
      }
      return findings

      async function measure(repo: Built): Promise<void> {
        const scripts = await commandsOf(repo, join(open.folder, 'plan'), env)
        for (const cache of ['cold', 'warm'] as const) {
          const steps: number[] = []
          const clear = async (): Promise<void> => {
            await rest(pool)
            await rm(kept, { recursive: true, force: true })
            if (cache === 'warm') return
            for (const folder of Object.values(caches)) await rm(folder, { recursive: true, force: true })
          }
          const n = context.n ?? 3
          const ms = await alternate(
            {
              agent: async () => {
                await clear()
                return timed(async () => steps.push(await built(pool, repo)))
              },
              shell: async () => {
                await clear()
                return timed(() => inShell(repo, scripts, join(open.folder, 'shell'), env))
              },
            },
            n,
            { signal: context.signal, warmUp: cache === 'warm' ? 1 : 0 },
          )
          const name = `${repo.name}, ${cache} cache`
          const own = ms.agent.map((whole, i) => whole - steps.at(i - n)!)
          findings.series.push(
            series(`${name}: agent`, 'ms', ms.agent),
            series(`${name}: shell`, 'ms', ms.shell),
            series(`${name}: of the agent’s, outside of the steps`, 'ms', own),
          )
          const whole = ratio(`${name}: agent`, 'shell', ms.agent, ms.shell)
          findings.ratios.push(whole)
          findings.goals.push(goal(`build, ${name}`, { atMost: 1.03 }, whole.p50, '× the shell'))
        }
      }
    }),
} satisfies Bench

const notes = [
  'Agent: from enqueue to the result, with a cold agent, its clone, its log and its report. Shell: `git clone --depth 1` and the same commands, one after the other by `bash -eo pipefail -c`, with the same environment, output to /dev/null. In turn, each in an empty folder.',
  'Cold cache: an empty CARGO_HOME and npm cache before each run. Warm: filled by a run that does not count. Target directories are not kept between builds by either: the agent’s own build caches are emptied before each run, so that both do the same work.',
]

async function repositories(open: Scratch, { crate, node }: Context): Promise<{ repos: Built[]; absent: string[] }> {
  const repos: Built[] = []
  const absent: string[] = []
  for (const [fixture, tool] of [
    ['rust-hello', 'cargo'],
    ['node-hello', 'npm'],
  ] as const) {
    if (!(process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, tool)))) {
      absent.push(`Left out: ${fixture}, for ${tool} is not installed.`)
      continue
    }
    const path = join(open.folder, fixture)
    await makeRepository(path, { fixture: join(root, 'fixtures', fixture) })
    repos.push({ name: fixture, path, commit: await head(path), real: false })
  }
  for (const [what, flag, path] of [
    ['crate', '--crate', crate],
    ['package', '--package', node],
  ] as const) {
    if (path) repos.push({ name: basename(path), path, commit: await head(path), real: true })
    else absent.push(`Left out: a real ${what}; name a git repository of one with ${flag}.`)
  }
  return { repos, absent }
}

const head = (path: string): Promise<string> => gitWith([])('-C', path, 'rev-parse', 'HEAD')

async function checkOut({ path, commit }: Built, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const git = gitWith([])
  await git('clone', '--quiet', '--depth', '1', `file://${path}`, folder)
  if ((await head(folder)) !== commit) throw new Error(`${path} changed while it was measured`)
}

/** The commands that the agent's own plan has for it. */
async function commandsOf(repo: Built, folder: string, env: Record<string, string>): Promise<string[]> {
  await checkOut(repo, folder)
  const { steps } = await planSteps({ workspace: folder, pipeline: 'auto', env })
  return steps.filter(({ skip }) => !skip).map(({ run }) => run)
}

/** Builds it once; gives how long its steps took together, ms. */
async function built(pool: BenchPool, repo: Built): Promise<number> {
  const id = await enqueue(pool, specOf({ path: repo.path, commit: repo.commit }, { branch: '' }))
  const { steps } = await followed(pool, id)
  return steps.reduce((sum, step) => sum + (step.durationMs ?? 0), 0)
}

async function inShell(repo: Built, scripts: string[], folder: string, env: Record<string, string>): Promise<void> {
  await checkOut(repo, folder)
  for (const script of scripts) {
    const child = spawn('bash', ['-eo', 'pipefail', '-c', script], { cwd: folder, env, stdio: 'ignore' })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`in a shell, ${repo.name} fails: ${script}: exit ${code}`)
  }
}
