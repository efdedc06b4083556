/**
 * Every name that two processes must agree on. Nothing here computes; docs, manifests and tests are checked against this file.
 * (Redis keys are the business of lib/queue/keys.ts alone.)
 */

/** Environment variables that raibid-ci reads. */
export const env = {
  /** Folder of all local state; default `.raibid/` beside the justfile. */
  home: 'RAIBID_HOME',
  /** Redis of the queue; default: what a running local pool noted in `RAIBID_HOME/run/redis.url`. */
  redisUrl: 'RAIBID_REDIS_URL',
  /** This installation's config file; default `raibid.yaml` beside the justfile. */
  config: 'RAIBID_CONFIG',
  /** What this installation mirrors; default `mirrors.yaml` beside the justfile. */
  mirrors: 'RAIBID_MIRRORS',
  /** The agent's name; default host and process id. In a cluster: the pod's name. */
  agent: 'RAIBID_AGENT',
  /** The pool an agent works for. */
  pool: 'RAIBID_POOL',
  /** How many jobs one agent takes before it leaves; default 1. */
  agentMaxJobs: 'RAIBID_AGENT_MAX_JOBS',
  /** Seconds an agent waits for work before it leaves; default 30. */
  agentIdle: 'RAIBID_AGENT_IDLE',
  /** Seconds after which a build ends, whatever its job asks for; default: no bound of this kind. */
  longestBuild: 'RAIBID_LONGEST_BUILD',
  /** Milliseconds without a beat after which a job is taken from its agent; the same for all that share a queue. For tests. */
  lease: 'RAIBID_LEASE',
  /** Milliseconds a job waits after its second lost agent; the same for all that share a queue. For tests. */
  backoff: 'RAIBID_BACKOFF',
  /** Lines `host<TAB>user<TAB>token`: credentials for git, by host. */
  gitCredentials: 'RAIBID_GIT_CREDENTIALS',
  /** The key that seals secrets, 64 hex digits; default: the file `RAIBID_HOME/secret.key`. */
  secretKey: 'RAIBID_SECRET_KEY',
  /** Names of more environment variables that steps may see, separated by commas. */
  passEnv: 'RAIBID_PASS_ENV',
  /** Where artifacts are kept: a folder, or `https://<gitea>/<owner>` for its generic packages; default `RAIBID_HOME/artifacts`. */
  artifacts: 'RAIBID_ARTIFACTS',
  /** The registry for images of Dockerfiles: `host[:port]`, or `http://host[:port]` for one without TLS; default: none, and nothing is pushed. */
  registry: 'RAIBID_REGISTRY',
  /** Folder of the builds’ caches, on a volume that agents share; default `RAIBID_HOME/cache/builds`. */
  cache: 'RAIBID_CACHE',
  /** The secret that signs webhooks (`serve`). */
  webhookSecret: 'RAIBID_WEBHOOK_SECRET',
  /** Token for the one Gitea of `forges` in `raibid.yaml`. */
  giteaToken: 'RAIBID_GITEA_TOKEN',
  /** Token for the one GitHub of `forges`, or for github.com when that list has none. */
  githubToken: 'RAIBID_GITHUB_TOKEN',
  /** Token for the one GitLab of `forges`, or for gitlab.com when that list has none: a source of mirrors only, so one that may read is enough. */
  gitlabToken: 'RAIBID_GITLAB_TOKEN',
  /** Address under which a browser finds this installation's pages. */
  publicUrl: 'RAIBID_PUBLIC_URL',
  /** Where to post what needs a person (`reconcile`); default: `notify.webhook` of `raibid.yaml`, else nowhere. */
  notifyUrl: 'RAIBID_NOTIFY_URL',
  /** Address of the cluster's Gitea as this machine reaches it; default: the port of the node. */
  giteaUrl: 'RAIBID_GITEA_URL',
  /** What `bootstrap` builds the agents’ image from, where it is not the Debian that agent/Dockerfile names. */
  imageBase: 'RAIBID_IMAGE_BASE',
  /** Folder that `bootstrap` takes for `/`: what it looks at and changes of the machine is below it. For tests. */
  hostRoot: 'RAIBID_HOST_ROOT',
} as const

/** Environment variables that every step sees. */
export const stepEnv = {
  /** Always `true`. */
  ci: 'CI',
  /** The job's id. */
  job: 'RAIBID_JOB_ID',
  /** Address or path of the repository, without credentials. */
  repo: 'RAIBID_REPO',
  /** The branch that was asked for. */
  branch: 'RAIBID_BRANCH',
  /** The commit that is checked out. */
  commit: 'RAIBID_COMMIT',
  /** 1 for the first agent that took the job, 2 for the second, … */
  attempt: 'RAIBID_ATTEMPT',
  /** In the step `image` of a Dockerfile: the image's name without a tag. */
  image: 'RAIBID_IMAGE',
  /** Marks every process of one attempt, whatever group or session it moves to, so that all of them can be found and ended. */
  mark: 'RAIBID_MARK',
} as const

/** Files under RAIBID_HOME that scripts may rely on. */
export const files = {
  redisPid: 'run/redis.pid',
  redisUrl: 'run/redis.url',
  poolPid: 'run/pool.pid',
  poolLog: 'run/pool.log',
  pool: 'run/pool.json',
  servePid: 'run/serve.pid',
  serveUrl: 'run/serve.url',
  serveLog: 'run/serve.log',
  webhookSecret: 'webhook-secret',
  pools: 'pools',
  agents: 'run/agents',
  secretKey: 'secret.key',
  gitCredentials: 'git-credentials',
  redisData: 'redis',
  work: 'work',
  preflights: 'preflight',
  tmp: 'run/tmp',
  artifacts: 'artifacts',
  compileCache: 'cache/node',
  buildCache: 'cache/builds',
  mirrorListings: 'mirrors/listings',
  schedule: 'schedule',
  clusterState: 'cluster/state.json',
  clusterLock: 'cluster/lock',
  clusterAccess: 'cluster/access.json',
  clusterConnect: 'cluster/connect.json',
  clusterPins: 'cluster/pins.json',
  clusterReleases: 'cluster/releases',
} as const

/** Paths of `serve`'s HTTP. */
export const routes = {
  webhook: (forge: 'gitea' | 'github') => `/webhooks/${forge}`,
  api: '/api/v1',
  healthz: '/healthz',
  readyz: '/readyz',
  metrics: '/metrics',
} as const

/** The file in a built repository that says how to build it. */
export const pipelineFile = '.raibid.yaml'

/**
 * How node runs an agent: a build that prints a gigabyte passes through it, and short-lived strings must not pile up (measured: 300 MB without).
 * SIGUSR1, which any process of its user may send, would open node's debugger on loopback, and with it all that an agent knows.
 */
export const agentNodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=96', '--disable-sigusr1'] as const

/** How node runs `serve`: without, V8 lets the garbage of short requests grow to 200 MB before it looks at it (measured: 310 MB instead of 133). */
export const serveNodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=256'] as const

/** What an agent of the image must not have in its environment, which its builds can read; agent/start.sh hands these over in another way. */
export const agentSecrets = [env.redisUrl, env.secretKey, env.gitCredentials] as const

/** Argument of an agent that is handed them: as lines `NAME=value` on its standard input, a pipe. */
export const secretsFlag = '--secrets-on-stdin'

/** Argument of an agent that boots ahead of its use: it waits on its IPC channel to be told its pool, and connects to nothing before. */
export const spareFlag = '--spare'
/** What an agent is told when it is started, and a spare when it becomes one. */
export interface Orders {
  pool: string
  idleMs: number
}

/** A second argument of it: nobody is at work, so it has the time to go the way of a job once (agent/rehearsal.ts). */
export const rehearseFlag = '--rehearse'

/** Names of objects in the cluster: manifests are generated from and checked against these. */
export const cluster = {
  /** Where agents, ScaledJobs and `serve` live. */
  namespace: 'ci',
  /** Where Redis, Gitea and their like live. */
  infrastructure: 'infrastructure',
  /** Service and StatefulSet of the queue's Redis, in `infrastructure`. */
  redis: 'redis',
  /** Secret in `infrastructure`: `users.acl` and the probe's password. */
  redisAclSecret: 'redis-acl',
  /** Secret in `namespace` with `url`: Redis as agents and `serve` reach it, by the user `app`. */
  redisAppSecret: 'redis-app',
  /** Secret in `namespace` with `username`, `password`: Redis as KEDA may look at it. */
  redisKedaSecret: 'redis-keda',
  /** TriggerAuthentication of every ScaledJob. */
  triggerAuthentication: 'ci-redis',
  /** The ScaledJob of a pool; its Jobs are called `<this>-<five characters>` by KEDA. */
  scaledJob: (pool: string) => `agents-${pool}`,
  agentServiceAccount: 'agent',
  serve: 'serve',
  /** Secret in `namespace`: `webhook-secret`, without which `serve` doesn't start, and maybe `gitea-token` and `github-token`. */
  serveSecret: 'serve',
  /** Its keys are the names that `repositories[].secrets` may use, its values theirs. */
  buildSecrets: 'builds',
  /** On Jobs, pods and ScaledJobs: the pool they belong to. */
  poolLabel: 'raibid.dev/pool',
  /** On a ScaledJob: why its pool is paused, in words. */
  pausedAnnotation: 'raibid.dev/paused-because',
  /** On an agent's pod that we end: why, in words. */
  endedAnnotation: 'raibid.dev/ended-because',
  /** On the pods of what runs on and on (`serve`, Gitea, Redis): a digest of the ConfigMaps that they read, so that a change of one makes new pods. */
  configAnnotation: 'raibid.dev/config',
  /** On the Kustomization of KEDA while a teardown has taken KEDA away: it is suspended by us, and nothing is wrong with that. */
  takenAwayAnnotation: 'raibid.dev/taken-away',
  /** KEDA's own: `true` stops the scaling of a ScaledJob. */
  kedaPaused: 'autoscaling.keda.sh/paused',
  /** KEDA's own label on a Job: the ScaledJob that made it. */
  kedaJobLabel: 'scaledjob.keda.sh/name',
  /** Our k3s in a kubeconfig: name of its context, cluster and user. */
  context: 'raibid-ci',
  /** Who we are in server-side apply. */
  fieldManager: 'raibid-ci',
  /** Where KEDA's operator lives, and the label by which its pods are known. */
  keda: 'keda',
  kedaOperator: { app: 'keda-operator' },
  /** Gitea in `infrastructure`: the name of its pods (`nameLabel`), and the port on which they answer. */
  gitea: 'gitea',
  giteaPort: 3000,
  /**
   * Gitea's one name, for clones, packages and images: a pod asks its Service there, the machine (by its hosts file and containerd's mirrors) the same
   * port of the node.
   */
  giteaAddress: 'gitea.infrastructure.svc:30300',
  giteaHost: 'gitea.infrastructure.svc',
  giteaNodePort: 30300,
  /** SSH: 2222 in the cluster, and this one on the node. */
  giteaSshNodePort: 32222,
  /** Secrets in `infrastructure`: `username` and `password` of the administrator; the database's `password`; what Gitea signs and seals with. */
  giteaAdminSecret: 'gitea-admin',
  giteaDatabaseSecret: 'gitea-postgres',
  giteaSecret: 'gitea-env',
  /** `token`: with which the machines that run bootstrap make mirrors. */
  giteaConsoleSecret: 'gitea-console',
  /** Service and StatefulSet of Gitea's database. */
  postgres: 'postgres',
  monitoring: 'monitoring',
  /** The repository on Gitea from which Flux makes the cluster, and its organisation. */
  configOwner: 'platform',
  configRepo: 'fleet',
  /** The repository, beside it, whose push proves that all of it works, and the ConfigMap in `namespace` that says how that went. */
  smokeRepo: 'smoke',
  /** Where Flux lives, and what its GitRepository, its Secrets and the Kustomization of everything are called there. */
  flux: 'flux-system',
  fluxReceiver: 'gitea',
  fluxReceiverSecret: 'receiver-token',
  fluxStatusSecret: 'gitea-status',
  /** Redis as KEDA, agents and `serve` reach it. */
  redisAddress: 'redis.infrastructure.svc:6379',
  /** Headless Service of the StatefulSet. */
  redisPods: 'redis-pods',
  /** ConfigMap in `namespace` with `raibid.yaml`: what agents and `serve` have to know of this installation. */
  config: 'raibid-config',
  /** Secret in `namespace` that may be missing: `secret-key` and `git-credentials`, for the variables of those names. */
  agentSecret: 'agent',
  /** The one container of an agent's pod. */
  agentContainer: 'agent',
  /** Label of agents' and `serve`'s pods and of Redis: which of them it is. */
  nameLabel: 'app.kubernetes.io/name',
  /** Port of `serve`'s HTTP. */
  servePort: 8080,
  /** The same on the node, for browsers. */
  serveNodePort: 30808,
  /** The agents' image, as `just image` builds it; `:<version>` is the stage `default`, `:<version>-rust` the stage `rust`. */
  image: 'localhost/raibid-agent',
  /** What that image runs as its agent, from its folder /opt/raibid-ci. */
  imageFolder: '/opt/raibid-ci',
} as const

export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const
