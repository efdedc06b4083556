set minimum-version := '1.57.0'
set default-list
set dotenv-load
set no-exit-message
set positional-arguments
set quiet

root := justfile_directory()
export PATH := root / 'node_modules/.bin:' + env('PATH')
# Halves the start of every task: node keeps what it has compiled.
export NODE_COMPILE_CACHE := env('NODE_COMPILE_CACHE', join(root, env('RAIBID_HOME', '.raibid'), 'cache/node'))

# Install what is missing: npm packages, redis-server, git
[group('check')]
setup:
    sh tasks/check/setup.sh

# Check every prerequisite, and say how to mend what is missing
[group('check')]
doctor *args:
    node tasks/check/doctor.ts "$@"

# Check format, lint, types and the README
[group('check')]
check: setup
    prettier --check --log-level warn .
    eslint --max-warnings 0 .
    tsc
    node tasks/check/docs.ts --check
    '{{ just_executable() }}' --fmt --check

# Run all tests, or those named: just test queue -t lease
[group('check')]
test *args: setup
    vitest run "$@"

# Run the unit tests, or those named
[group('check')]
unit *args:
    vitest run --project unit "$@"

# Run the integration tests, or those named
[group('check')]
integration *args:
    vitest run --project integration "$@"

# Measure, side by side with a floor or a peer: just bench latency
[group('check')]
bench *args: setup
    node tasks/check/bench.ts "$@"

# Break things on purpose while jobs run, and audit that nothing is lost
[group('check')]
chaos *args: setup
    node tasks/check/chaos.ts "$@"

# Write the generated parts of the README
[group('check')]
docs *args:
    node tasks/check/docs.ts "$@"

# Start the local pool: Redis, scaler, agents, and the control plane
[group('pool')]
up *args: setup
    node tasks/pool/up.ts "$@"

# Stop the local pool when its jobs have ended
[group('pool')]
down *args:
    node tasks/pool/down.ts "$@"

# Set how many agents of a pool may run at once
[group('pool')]
scale *args:
    node tasks/pool/scale.ts "$@"

# Start no more agents of a pool; those at work finish
[group('pool')]
pause *args:
    node tasks/pool/pause.ts "$@"

# Start agents of a paused pool again
[group('pool')]
resume *args:
    node tasks/pool/resume.ts "$@"

# Run the control plane: webhooks, API, pages, and the upkeep of queue and cluster
[group('pool')]
serve *args: setup
    node tasks/pool/serve.ts "$@"

# Have forges tell serve of pushes: put our webhook on repositories
[group('pool')]
hooks *args:
    node tasks/pool/hooks.ts "$@"

# Make, list and revoke tokens for the API
[group('pool')]
token *args:
    node tasks/pool/token.ts "$@"

# Show it all in a minute, in a pool of its own
[group('pool')]
demo *args: setup
    node tasks/pool/demo.ts "$@"

# Put one job on the queue: just enqueue ~/hello main
[group('jobs')]
[no-cd]
enqueue *args:
    node '{{ root }}/tasks/jobs/enqueue.ts' "$@"

# Follow a job's log; ends with the job's result
[group('jobs')]
tail *args:
    node tasks/jobs/tail.ts "$@"

# List jobs, newest first
[group('jobs')]
[no-cd]
jobs *args:
    node '{{ root }}/tasks/jobs/jobs.ts' "$@"

# Show one job
[group('jobs')]
job *args:
    node tasks/jobs/job.ts "$@"

# Cancel jobs that wait or run
[group('jobs')]
cancel *args:
    node tasks/jobs/cancel.ts "$@"

# Run finished jobs again
[group('jobs')]
retry *args:
    node tasks/jobs/retry.ts "$@"

# Say in one line why a job waits, is slow, or failed
[group('jobs')]
why *args:
    node tasks/jobs/why.ts "$@"

# Write one plain zx script that runs the same steps as a job, on this machine
[group('jobs')]
[no-cd]
repro *args:
    node '{{ root }}/tasks/jobs/repro.ts' "$@"

# Build the working tree as it is, before it is committed or pushed
[group('jobs')]
[no-cd]
preflight *args:
    node '{{ root }}/tasks/jobs/preflight.ts' "$@"

# Let held jobs run: pull requests from forks, once you have looked at them
[group('jobs')]
approve *args:
    node tasks/jobs/approve.ts "$@"

# List, retry or drop the jobs that were given up
[group('jobs')]
dead *args:
    node tasks/jobs/dead.ts "$@"

# List the files that a job kept, or get them
[group('jobs')]
[no-cd]
artifacts *args:
    node '{{ root }}/tasks/jobs/artifacts.ts' "$@"

# Check a repository's .raibid.yaml, and say what would be run
[group('jobs')]
[no-cd]
lint *args:
    node '{{ root }}/tasks/jobs/lint.ts' "$@"

# List, prune or clear the caches of builds: just cache clear .
[group('jobs')]
[no-cd]
cache *args:
    node '{{ root }}/tasks/jobs/cache.ts' "$@"

# Show what waits, runs, is delayed, held or dead, and the agents
[group('jobs')]
queue *args:
    node tasks/jobs/queue.ts "$@"

# Write what is applied to a cluster, and check that the node holds it
[group('cluster')]
[no-cd]
manifests *args:
    node '{{ root }}/tasks/cluster/manifests.ts' "$@"

# Record what images and releases are, byte by byte, in manifests/pins.json
[group('cluster')]
[no-cd]
pin *args:
    node '{{ root }}/tasks/cluster/pin.ts' "$@"

# Build the image of the agents, with docker, buildah or nerdctl
[group('cluster')]
[no-cd]
image *args:
    node '{{ root }}/tasks/cluster/image.ts' "$@"

# Mirror an organisation's or a user's repositories into Gitea
[group('mirror')]
mirror-org *args:
    node tasks/mirror/mirror-org.ts "$@"

# Mirror one repository into Gitea
[group('mirror')]
mirror-repo *args:
    node tasks/mirror/mirror-repo.ts "$@"

# Make mirrors what mirrors.yaml says: new, renamed, changed and gone ones
[group('mirror')]
rescan *args:
    node tasks/mirror/rescan.ts "$@"

# Show the mirrors in Gitea, and whether they are fresh
[group('mirror')]
mirrors *args:
    node tasks/mirror/mirrors.ts "$@"

# Have mirrors synchronised, and wait until they have all that their sources have
[group('mirror')]
mirror-sync *args:
    node tasks/mirror/mirror-sync.ts "$@"

# Say which rule decided about a repository, what is in Gitea, and what is next
[group('mirror')]
mirror-why *args:
    node tasks/mirror/mirror-why.ts "$@"

# Delete mirrors from Gitea; their sources stay
[group('mirror')]
mirror-rm *args:
    node tasks/mirror/mirror-rm.ts "$@"

# Have a recipe run again and again, by systemd or cron: just schedule install rescan --every 15m
[group('mirror')]
schedule *args:
    node tasks/mirror/schedule.ts "$@"

# Install everything, from k3s to a first build; a second time does nothing
[group('cluster')]
[no-cd]
bootstrap *args:
    node '{{ root }}/tasks/cluster/bootstrap.ts' "$@"

# Say how every component of the cluster is; ends with 1 when one is not healthy
[group('cluster')]
[no-cd]
status *args:
    node '{{ root }}/tasks/cluster/status.ts' "$@"

# Repair what drifted in the cluster; what repairs do not help is handed to a person
[group('cluster')]
[no-cd]
reconcile *args:
    node '{{ root }}/tasks/cluster/reconcile.ts' "$@"

# Take away what bootstrap installed: names what is lost, and asks twice where that is data
[group('cluster')]
[no-cd]
teardown *args:
    node '{{ root }}/tasks/cluster/teardown.ts' "$@"

# Show the log of a component of the cluster
[group('cluster')]
[no-cd]
logs *args:
    node '{{ root }}/tasks/cluster/logs.ts' "$@"

# Say which logins there are and where they are kept; --show prints them
[group('cluster')]
[no-cd]
credentials *args:
    node '{{ root }}/tasks/cluster/credentials.ts' "$@"

# Begin, check and show the configuration of this installation
[group('cluster')]
[no-cd]
config *args:
    node '{{ root }}/tasks/cluster/config.ts' "$@"

# Pack states, events and logs of the cluster into one file, without what is secret
[group('cluster')]
[no-cd]
diagnose *args:
    node '{{ root }}/tasks/cluster/diagnose.ts' "$@"

# Install Redis alone
[group('cluster')]
[no-cd]
deploy-redis *args:
    node '{{ root }}/tasks/cluster/deploy-redis.ts' "$@"

# Install Gitea alone: its database, organisation, config repository, tokens and webhook
[group('cluster')]
[no-cd]
deploy-gitea *args:
    node '{{ root }}/tasks/cluster/deploy-gitea.ts' "$@"

# Install Flux alone, and have it keep what the config repository says
[group('cluster')]
[no-cd]
deploy-flux *args:
    node '{{ root }}/tasks/cluster/deploy-flux.ts' "$@"

# Install KEDA alone: by Flux, or with --skip flux from its release
[group('cluster')]
[no-cd]
deploy-keda *args:
    node '{{ root }}/tasks/cluster/deploy-keda.ts' "$@"

# Reach the queue of the cluster from a machine outside of it, until Ctrl-C
[group('cluster')]
[no-cd]
connect *args:
    node '{{ root }}/tasks/cluster/connect.ts' "$@"

# Make a cluster of k3s in a container, for development
[group('cluster')]
[no-cd]
k3d-create *args:
    node '{{ root }}/tasks/cluster/k3d-create.ts' "$@"

# Take away the cluster that k3d-create made, with everything in it
[group('cluster')]
[no-cd]
k3d-destroy *args:
    node '{{ root }}/tasks/cluster/k3d-destroy.ts' "$@"
