/** One plain zx script that does what a job did. */
import { stepEnv } from '#lib/contract.ts'
import { seenNames } from '#lib/pipeline/step-env.ts'
import type { Plan } from '#lib/pipeline/plan.ts'
import type { Job } from '#lib/queue/types.ts'

/** A text as a literal; one of several lines a line each, so that a person can read and change it. */
function literal(text: string): string {
  const lines = text.replace(/\n$/, '').split('\n')
  if (lines.length === 1) return js(lines[0])
  return `[\n${lines.map((line) => `      ${js(line)},`).join('\n')}\n    ].join('\\n')`
}

/** JSON is JavaScript; a comment or a string can't be left by what is in it. */
const js = (value: unknown): string => JSON.stringify(value)
const comment = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\u2027\u202f-\uffff]/g, ' ')

/** The script's text. `plan`: of the job's commit, for its branch; `failing`: the name of the step at which the job failed. */
export function reproScript(job: Job, plan: Plan, failing: string | null): string {
  const variables = {
    ...{ [stepEnv.ci]: 'true', [stepEnv.job]: job.id, [stepEnv.repo]: job.origin ?? job.repo, [stepEnv.branch]: job.branch },
    ...{ [stepEnv.commit]: job.commit, [stepEnv.attempt]: String(job.attempt), ...plan.env, ...job.env },
  }
  const secrets = [...new Set([...plan.secrets, ...job.secrets])]
  const steps = plan.steps.map(({ name, run, skip }) =>
    skip ? `  // ${comment(`${name}: skipped, ${skip}`)}` : `  {\n    name: ${js(name)},\n    run: ${literal(run)},\n  },`,
  )
  return `#!/usr/bin/env zx
// ${comment(`Job ${job.id}: ${job.origin ?? job.repo}, branch ${job.branch || '(none)'}, pipeline ${plan.pipeline}`)}
// ${comment(`It ended as ${job.state}${job.reason ? `: ${job.reason}` : ''}`.split('\n')[0]!.slice(0, 300))}
//
// Runs the same steps on this machine:   npx zx <this file> [folder] [--shell]
//   folder    an empty or new folder for the clone (default: a temporary one, which stays)
//   --shell   stop before the step that failed, and open a shell there

const repository = ${js(job.repo)}
const commit = ${js(job.commit)}
const failing = ${js(failing)}
const variables = ${JSON.stringify(variables, null, 2)}
// their values come from your environment; they are not in this file
const secrets = ${js(secrets)}
const steps = [
${steps.join('\n')}
]

// what a step may see of the machine, as the agent has it
const seen = new RegExp(${js(`^(?:PATH|${seenNames.names.join('|')})$|${seenNames.prefix}`)})

const missing = secrets.filter((name) => !process.env[name])
if (missing.length) {
  console.error(\`Set \${missing.join(', ')} first: the job had \${missing.length > 1 ? 'them' : 'it'} as a secret.\`)
  process.exit(2)
}
const cwd = argv._[0] ? path.resolve(String(argv._[0])) : await fs.mkdtemp(path.join(os.tmpdir(), 'repro-'))
const git = (...args) => $({ stdio: 'inherit' })\`git -C \${cwd} \${args}\`
await fs.mkdirp(cwd)
if ((await fs.readdir(cwd)).length) {
  console.error(\`\${cwd} is not empty.\`)
  process.exit(2)
}
await git('init', '--quiet', ${js(`--object-format=${job.commit.length === 64 ? 'sha256' : 'sha1'}`)})
await git('fetch', '--quiet', '--no-tags', '--depth=1', '--', repository, commit)
await git('checkout', '--quiet', '--detach', 'FETCH_HEAD')
if (fs.existsSync(path.join(cwd, '.gitmodules'))) await git('submodule', '--quiet', 'update', '--init', '--recursive')

const env = { TERM: 'dumb' }
for (const [name, value] of Object.entries(process.env)) if (seen.test(name)) env[name] = value
Object.assign(env, variables)
for (const name of secrets) env[name] = process.env[name]

for (const { name, run } of steps) {
  if (argv.shell && name === failing) {
    console.error(\`\\n▸ \${name} comes next, in \${cwd}:\\n\${run}\\n\`)
    const shell = await $({ cwd, env: { ...env, TERM: process.env.TERM ?? 'dumb' }, stdio: 'inherit', nothrow: true })\`bash\`
    process.exit(shell.exitCode)
  }
  console.error(\`▸ \${name}\`)
  const step = await $({ cwd, env, stdio: ['ignore', 'inherit', 'inherit'], nothrow: true })\`bash -eo pipefail -c \${run}\`
  if (step.exitCode !== 0) {
    console.error(\`✗ \${name}: exit \${step.exitCode}; the workspace is \${cwd}\`)
    process.exit(1)
  }
}
console.error(\`✓ every step passed; the workspace is \${cwd}\`)
`
}
