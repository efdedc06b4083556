import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '#lib/config.ts'
import { startRedis } from '#test/helpers/redis-server.ts'
import { alternate, ratio, series, type Bench, type Findings } from './harness.ts'
import { echoRepo } from './parts/repos.ts'
import { runNode } from './parts/run-node.ts'
import { scratch } from './parts/scratch.ts'

const bare = 'node -e 0'

export default {
  summary: 'The whole life of each task’s process, with and without node’s compile cache, and how many files it loads',
  run: ({ n = 30, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const redis = await startRedis()
      open.onClose(redis.stop)
      const repo = echoRepo(open)
      const home = join(open.folder, 'home')
      const shared: NodeJS.ProcessEnv = { ...process.env, RAIBID_HOME: home, RAIBID_REDIS_URL: redis.url, NO_COLOR: '1' }
      const cached = { ...shared, NODE_COMPILE_CACHE: join(open.folder, 'cache') }
      const uncached = { ...shared, NODE_COMPILE_CACHE: '', NODE_DISABLE_COMPILE_CACHE: '1' }
      const tasks = globSync('tasks/**/*.ts', { cwd: root }).sort()
      const lives: Record<string, () => string[]> = { [bare]: () => ['-e', '0'] }
      lives['node, importing ioredis'] = () => ['--import', 'ioredis', '-e', '0']
      for (const task of tasks) lives[`${basename(task, '.ts')} --help`] = () => [join(root, task), '--help']
      let key = 0
      const enqueue = join(root, 'tasks/jobs/enqueue.ts')
      lives['enqueue, a real one'] = () => [enqueue, repo.path, '--key', String(key++)]
      lives['jobs, a real one'] = () => [join(root, 'tasks/jobs/jobs.ts')]

      const variants = (env: NodeJS.ProcessEnv) =>
        Object.fromEntries(Object.entries(lives).map(([name, args]) => [name, () => runNode(args(), env)]))
      const warm = await alternate(variants(cached), n, { signal, warmUp: Math.min(2, n - 1) })
      say('without the compile cache')
      const cold = await alternate(variants(uncached), Math.ceil(n / 3), { signal, warmUp: 0 })

      const modules: [string, number][] = []
      for (const [name, args] of Object.entries(lives)) {
        const file = join(open.folder, 'modules')
        const hook = pathToFileURL(join(import.meta.dirname, 'parts/count-modules.ts')).href
        await runNode(['--import', hook, ...args()], { ...cached, RAIBID_MODULES: file })
        const text = readFileSync(file, 'utf8')
        modules.push([name, text ? text.split('\n').length : 0])
      }
      const names = Object.keys(lives)
      return {
        series: [
          ...names.map((name) => series(name, 'ms', warm[name]!)),
          ...names.map((name) => series(`${name}, no cache`, 'ms', cold[name]!)),
          ...modules.map(([name, count]) => series(`${name}: loads`, 'files', [count])),
        ],
        ratios: names.filter((name) => name !== bare).map((name) => ratio(name, bare, warm[name]!, warm[bare]!)),
        goals: [],
        notes: [
          'From spawn to exit, by node itself (`just` adds its own 5 ms). With the compile cache as the justfile and `main` set it, filled by rounds that don’t count; without it a third of the runs.',
          '“A real one” talks to a real redis-server with `appendfsync always`; `enqueue` also asks git for the head of a local repository. Files: what node loads besides its own modules.',
        ],
      }
    }),
} satisfies Bench
