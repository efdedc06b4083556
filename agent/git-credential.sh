#!/bin/sh
# Git's credential helper: answers from RAIBID_GIT_CREDENTIALS (lines host<TAB>user<TAB>token), for exactly the host (and port) asked
# for. The tokens are in the environment of git alone; never in an argument, a URL or a file.
[ "$1" = get ] || exit 0
protocol= host=
while IFS= read -r line && [ -n "$line" ]; do
  case $line in
  protocol=*) protocol=${line#protocol=} ;;
  host=*) host=${line#host=} ;;
  esac
done
case $protocol in http | https) ;; *) exit 0 ;; esac
tab=$(printf '\t')
printf '%s\n' "$RAIBID_GIT_CREDENTIALS" | while IFS=$tab read -r name user token; do
  [ -n "$host" ] && [ "$name" = "$host" ] || continue
  printf 'username=%s\npassword=%s\n' "$user" "$token"
  break
done
