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
