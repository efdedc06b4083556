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
