#!/bin/sh
# Entry point of the image: an init that reaps and passes signals on, and what is to run. A build runs as the user of its agent, and may
# read in /proc what a process of that user was started with, the init too. So an agent's secrets are taken out of the environment
# before either starts, and go down a pipe that the agent empties (agent/given.ts): they are in no environment, argument or file.
# `serve`, beside which no build runs, keeps its environment.
case " $* " in
*" agent/main.ts "*) ;;
*) exec tini -s -- "$@" ;;
esac

# a core of the agent would hold them
ulimit -c 0
# none of these may be one that the shell was given, and hands on
unset raibid_given raibid_name raibid_value
raibid_given=$(
  for raibid_name in RAIBID_REDIS_URL RAIBID_SECRET_KEY RAIBID_GIT_CREDENTIALS; do
    eval "raibid_value=\${$raibid_name-}"
    [ -z "$raibid_value" ] || printf '%s\n' "$raibid_value" | sed "s/^/$raibid_name=/"
  done
)
unset RAIBID_REDIS_URL RAIBID_SECRET_KEY RAIBID_GIT_CREDENTIALS
exec tini -s -- "$@" --secrets-on-stdin <<END
$raibid_given
END
