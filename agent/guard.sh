#!/bin/sh
# Ends an attempt whose agent was killed. Started by agent/guard.ts in a session of its own: stdin is a pipe from the agent, which
# closes without the line "done" only when the agent is gone. RAIBID_GUARD_MARK: the value of RAIBID_MARK to look for (another name,
# so that the guard doesn't find itself). $1: the workspace, an absolute path, removed afterwards.
trap '' HUP INT TERM PIPE
line=
read -r line
[ "$line" = done ] && exit 0
[ -n "$RAIBID_GUARD_MARK" ] || exit 2
case $1 in /?*) ;; *) exit 2 ;; esac

# All that carry the mark, or work in the workspace and have written their title over their environment (redis, nginx, postgres);
# with their descendants and the sessions they lead. Prints process ids.
find_all() {
  {
    grep -lzxF -e "RAIBID_MARK=$RAIBID_GUARD_MARK" /proc/[0-9]*/environ
    grep -LzF = /proc/[0-9]*/environ | sed 's/^/bare /'
    ls -ln /proc/[0-9]*/cwd
    cat /proc/[0-9]*/stat
  } 2>/dev/null | folder=$1 awk -v self=$$ '
    /^\/proc\// { split($0, part, "/"); found[part[3]] = 1; next }
    /^bare / { split($0, part, "/"); bare[part[3]] = 1; next }
    /^l.* \/proc\/[0-9]+\/cwd -> / {
      target = $0; sub(/^.*\/cwd -> /, "", target)
      split(substr($0, index($0, "/proc/")), part, "/")
      if ((part[3] in bare) && index(target "/", ENVIRON["folder"] "/") == 1) found[part[3]] = 1
      next
    }
    /^[0-9]+ \(/ {
      pid = $1; sub(/^.*\) /, "")
      if ($1 == "Z" || $1 == "X" || pid == self) delete found[pid]
      else { parent[pid] = $2; session[pid] = $4 }
    }
    END {
      do {
        more = 0
        for (pid in parent)
          if (!(pid in found) && ((parent[pid] in found) || (session[pid] in found))) { found[pid] = 1; more = 1 }
      } while (more)
      for (pid in found) if (pid in parent) print pid
    }'
}

# A process between fork and exec does not carry its mark yet: so nothing must be found three times.
clear=0
round=0
while [ $clear -lt 3 ] && [ $round -lt 200 ]; do
  round=$((round + 1))
  pids=$(find_all "$1" | sort)
  if [ -n "$pids" ]; then
    clear=0
    # Stopped first: a child without a mark is known only while its parent lives.
    before=
    tries=0
    # shellcheck disable=SC2086
    while [ "$pids" != "$before" ] && [ $tries -lt 10 ]; do
      tries=$((tries + 1))
      before=$pids
      kill -STOP $pids 2>/dev/null
      pids=$(find_all "$1" | sort)
    done
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null
  else
    clear=$((clear + 1))
  fi
  sleep 0.05
done

rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX -- "$1" && rm -rf -- "$1"; } 2>/dev/null
