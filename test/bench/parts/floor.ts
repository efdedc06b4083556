/** The bare floor of a build: one process that loads a Redis client, connects, clones and runs a shell. Arguments: Redis, repository, folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'

const [url = '', repo = '', folder = ''] = process.argv.slice(2)
const redis = new Redis(url)
await redis.ping()
await once(spawn('git', ['clone', '--quiet', '--depth', '1', `file://${repo}`, folder], { stdio: 'inherit' }), 'exit')
await once(spawn('bash', ['-c', 'echo line'], { cwd: folder, stdio: 'inherit' }), 'exit')
redis.disconnect()
