import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { agentPod } from '#lib/cluster/agent-pod.ts'
import { root } from '#lib/config.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { producer as producerOf } from '#lib/queue/producer.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { seal } from '#lib/seal.ts'
import { ulid } from '#lib/ulid.ts'
import { needs } from '#test/helpers/needs.ts'
import { startRedisAt } from '#test/helpers/redis-server.ts'
import { configOf } from '#test/helpers/rendered.ts'
import { runProcess } from '#test/helpers/run-process.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'

/** What a hostile step does to itself and to what it descends from, up to the init. Written into a file: in a log the secrets would be masked. */
const spy = (into: string, limit: string): string => `
exec >> ${into} 2>&1
p=$$ agent=
while :; do
  cat "/proc/$p/environ" "/proc/$p/cmdline" || true
  timeout 1 cat "/proc/$p/fd/0" || true
  [ -z "$agent" ] || break
  case $(readlink "/proc/$p/exe") in
  */node)
    agent=$p
    kill -USR1 "$p"
    sleep 0.5
    grep 'core file' "/proc/$p/limits" > ${limit}
    ;;
  esac
  p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status")
done
echo "the agent is $agent"`

needs('redis-server', 'git').test('a step of an agent in a pod finds none of its secrets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'environ-'))
  const [seen, limit] = [join(folder, 'seen'), join(folder, 'limit')]
  const password = `redis-${ulid()}`
  const key = Buffer.from(ulid().padEnd(32, 'x'))
  const tokens = [`git-${ulid()}`, `git-${ulid()}`]
  const login = { users: `user default on ~* &* +@all >${password}\n`, login: `default:${password}@` }
  const redis = await startRedisAt({ acl: login })
  // what tini does of interest here: it stays, and keeps what it was started with
  const tini = join(folder, 'tini')
  writeFileSync(tini, '#!/bin/sh\nshift 2\n"$@"\nexit $?\n', { mode: 0o755 })
  try {
    // what the agent knows it masks: so it has read all of it
    const known = tokens.map((token) => `echo "token ${token}"`).join('\n')
    const repo = stepsRepo('[ "$BUILD" = sealed ]', known, spy(seen, limit))
    const client = redis.client()
    const id = ulid()
    const spec = {
      repo: repo.path,
      branch: 'main',
      commit: repo.commit,
      pipeline: 'auto',
      pool: 'default',
      timeoutMs: 0,
      env: {},
    }
    const sealed = seal({ BUILD: 'sealed' }, key, id)
    await producerOf(client).enqueue({ ...spec, secrets: ['BUILD'] }, { id, sealed })
    const { containers } = agentPod(await configOf('pools: { default: { max: 1 } }'), 'default') as any
    const { code, stderr } = await runProcess('sh', [join(root, 'agent/start.sh'), ...(containers[0].args as string[])], {
      env: {
        PATH: `${folder}:${process.env['PATH']}`,
        RAIBID_HOME: join(folder, 'home'),
        RAIBID_AGENT: 'pod',
        RAIBID_REDIS_URL: redis.url,
        RAIBID_SECRET_KEY: `${key.toString('hex')}\n`,
        RAIBID_GIT_CREDENTIALS: `one.example\tme\t${tokens[0]}\ntwo.example\tme\t${tokens[1]}\n`,
        raibid_value: 'handed on, if it were not unset',
      },
    })
    const job = await readerOf(client).job(id)
    expect({ code, state: job?.state, reason: job?.reason, stderr }).toMatchObject({ code: 0, state: 'success' })
    let log = ''
    for await (const entry of followLog(client, id)) if (entry.kind === 'out') log += entry.text
    expect(log.match(/^token \*+$/gm)).toHaveLength(2)
    const text = readFileSync(seen, 'latin1')
    // it has looked at the agent and at its init, in which the rest of their environment is to be seen
    expect(text.match(/RAIBID_AGENT=pod/g)!.length).toBeGreaterThanOrEqual(2)
    expect(text).toMatch(/agent\/main\.ts[^]*the agent is \d+\n$/)
    for (const secret of [password, key.toString('hex'), ...tokens]) expect(text).not.toContain(secret)
    expect(stderr).not.toMatch(/debugger|inspector/i)
    expect(readFileSync(limit, 'utf8')).toMatch(/^Max core file size +0 +0 /)
    expect(existsSync(join(folder, 'home/secret.key'))).toBe(false)
  } finally {
    await redis.stop()
  }
})

needs('redis-server').test('what is no agent keeps its environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'environ-'))
  writeFileSync(join(folder, 'tini'), '#!/bin/sh\nshift 2\nexec "$@"\n', { mode: 0o755 })
  const env = { PATH: `${folder}:${process.env['PATH']}`, RAIBID_SECRET_KEY: 'kept' }
  const { stdout } = await runProcess(
    'sh',
    [join(root, 'agent/start.sh'), 'sh', '-c', 'echo "$RAIBID_SECRET_KEY $*"', 'a', 'b'],
    {
      env,
    },
  )
  expect(stdout).toBe('kept b\n')
})
