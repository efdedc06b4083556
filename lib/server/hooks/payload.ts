/** Reads what Gitea and GitHub send. Both speak nearly the same; what differs is beside each field. */
import * as z from 'zod/mini'
import { commitOf, refOf, type ForgeEvent, type Push, type RepoRef } from './event.ts'

const text = (max = 1024) => z.string().check(z.maxLength(max))
const optional = (max = 1024) => z.nullish(text(max))

const repository = z.object({ full_name: text(200), clone_url: text(), default_branch: optional(255) })
const person = z.nullish(z.object({ login: optional(200), username: optional(200), name: optional(200) }))

const commit = z.object({
  id: text(64),
  message: z.string(),
  timestamp: optional(64),
  author: person,
  added: z.nullish(z.array(z.string())),
  removed: z.nullish(z.array(z.string())),
  modified: z.nullish(z.array(z.string())),
})

const push = z.object({
  ref: text(300),
  before: optional(64),
  after: optional(64),
  deleted: z.nullish(z.boolean()),
  forced: z.nullish(z.boolean()),
  total_commits: z.nullish(z.number()),
  commits: z.nullish(z.array(commit)),
  head_commit: z.nullish(commit),
  repository,
  pusher: person,
  sender: person,
})

const side = z.object({ ref: text(255), sha: text(64), repo: z.nullish(repository) })
const pull = z.object({
  action: text(64),
  number: z.number(),
  pull_request: z.object({ title: z.string(), head: side, base: side, user: person }),
  repository,
})

/** GitHub lists at most 20 commits in some payloads, and says nothing about the rest (docs.github.com, webhook events, push). */
const mostListed = 20
const nobody = 'somebody'
const who = (one: z.infer<typeof person>): string => one?.login ?? one?.username ?? one?.name ?? nobody
const short = (value: string, max: number): string =>
  value
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, max)
    .toWellFormed()

/** What the delivery `name` (X-Gitea-Event, X-GitHub-Event) tells. A string says what is wrong with its body. */
export function readPayload(forge: RepoRef['forge'], name: string, body: unknown): ForgeEvent | string {
  if (name === 'ping') return { kind: 'none', reason: 'a ping: the webhook works' }
  if (name === 'push') return parsed(push, body, (value) => pushOf(forge, value))
  if (name === 'pull_request' || name === 'pull_request_sync') return parsed(pull, body, (value) => pullOf(forge, value))
  return { kind: 'none', reason: `the event ${short(name, 60)} starts no build` }
}

function parsed<T>(schema: z.ZodMiniType<T>, body: unknown, read: (value: T) => ForgeEvent): ForgeEvent | string {
  const result = z.safeParse(schema, body)
  if (result.success) return read(result.data)
  const [issue] = result.error.issues
  return `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not what was expected'}`
}

const refFrom = (forge: RepoRef['forge'], { full_name, clone_url, default_branch }: z.infer<typeof repository>): RepoRef => ({
  forge,
  name: full_name,
  url: clone_url,
  defaultBranch: default_branch ?? '',
})

function pushOf(forge: RepoRef['forge'], value: z.infer<typeof push>): ForgeEvent {
  const ref = refOf(value.ref)
  if (!ref) return { kind: 'none', reason: `${short(value.ref, 80)} is neither a branch nor a tag` }
  const after = commitOf(value.after ?? undefined)
  if (value.deleted || !after) return { kind: 'none', reason: `the ${ref.kind} ${short(ref.name, 80)} was deleted` }
  const commits = value.commits ?? []
  const head = value.head_commit ?? commits.find(({ id }) => id === after) ?? null
  const before = commitOf(value.before ?? undefined)
  return {
    kind: 'push',
    repo: refFrom(forge, value.repository),
    ref,
    // of an annotated tag `after` is the tag's own object, which names no tree
    commit: ref.kind === 'tag' ? (commitOf(head?.id) ?? after) : after,
    before,
    forced: value.forced ?? false,
    message: short(head?.message.split('\n')[0] ?? '', 200),
    author: short(who(head?.author ?? value.pusher ?? value.sender), 100),
    commitAt: head?.timestamp ? Date.parse(head.timestamp) || 0 : 0,
    files: filesOf(value, commits, before),
  }
}

function filesOf(value: z.infer<typeof push>, commits: z.infer<typeof commit>[], before: string | null): Push['files'] {
  const whole = commits.length > 0 && commits.length < mostListed && commits.length >= (value.total_commits ?? 0)
  if (!before || value.forced || !whole) return null
  const lists = commits.map(({ added, removed, modified }) =>
    added && removed && modified ? [...added, ...removed, ...modified] : null,
  )
  return lists.includes(null) ? null : [...new Set(lists.flatMap((list) => list ?? []))]
}

/** What may hold new commits. (Gitea says `synchronized`, and sends it as an event of its own.) */
const news = new Set(['opened', 'reopened', 'synchronize', 'synchronized'])

function pullOf(forge: RepoRef['forge'], { action, number, pull_request, repository: base }: z.infer<typeof pull>): ForgeEvent {
  if (!news.has(action)) return { kind: 'none', reason: `a pull request that was ${short(action, 40)} starts no build` }
  const { head, title, user } = pull_request
  const commitId = commitOf(head.sha)
  if (!commitId || !head.repo) return { kind: 'none', reason: 'the branch of the pull request is gone' }
  const repo = refFrom(forge, base)
  const fork = head.repo.full_name !== repo.name
  return {
    kind: 'pull',
    repo,
    number,
    title: short(title, 200),
    author: short(who(user), 100),
    head: { url: head.repo.clone_url, branch: head.ref, commit: commitId, fork },
  }
}
